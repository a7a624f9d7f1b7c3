package project

import (
	"strings"
	"testing"
	"time"
)

// Each of these, a little larger, cost a compiler minutes or its process.
func TestGuardRefusesWhatCompilersCannotBear(t *testing.T) {
	r := strings.Repeat
	const n = 20_000
	hostile := map[string]string{
		"parens":           "x=" + r("(", n) + "1" + r(")", n),
		"brackets":         "x=" + r("[", n) + "1" + r("]", n),
		"blocks":           r("{", n) + r("}", n),
		"objects":          "x=" + r("{a:", n) + "1" + r("}", n),
		"not":              "x=" + r("!", n) + "1",
		"sum":              "x=1" + r("+1", n),
		"strings":          "x='a'" + r("+'a'", n),
		"arrows":           "x=" + r("a=>", n) + "1",
		"conditional":      "x=" + r("a?a:", n) + "1",
		"powers":           "x=a" + r("**a", n),
		"sequence":         "x=(a" + r(",a", n*2) + ")",
		"assignments":      "x" + r("=x", n),
		"members":          "x=a" + r(".a", n),
		"members on lines": "x=a" + r("\n.a", n),
		"calls":            "x=a" + r("()", n),
		"ifs":              r("if(1)", n) + ";",
		"else ifs":         r("if(1);else ", n) + ";",
		"else blocks":      r("if(1){}else ", n) + ";",
		"new":              "x=" + r("new ", n) + "a",
		"typeof":           "x=" + r("typeof ", n) + "a",
		"templates":        "x=" + r("`${", n) + "a" + r("}`", n),
		"functions":        r("function f(){", n) + r("}", n),
		"classes":          r("class A{static{", n) + r("}}", n),
		"types":            "type x=" + r("a<", n) + "b" + r(">", n),
		"behind a regexp":  `x=/[/"'(` + "`" + `]\/"/;y="";z=` + r("(", n),
		"behind a divide":  `x=(1)/"`[0:6] + "2;y=" + r("(", n),
		"many functions":   r(r("function f(){", 150)+r("}", 150)+"\n", 1000),
		"cases":            "switch(x){" + r("case a:b;", n) + "}",
		"behind strings":   `x="(";y='"';z=` + r("(", n),
	}
	for name, source := range hostile {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			if _, problem := guard(source); problem == "" {
				t.Errorf("passed")
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestGuardPassesOrdinaryCode(t *testing.T) {
	r := strings.Repeat
	fine := map[string]string{
		"statements":                r("a = b + c;\n", 50_000),
		"statements, no semicolons": r("a = b + c\n", 50_000),
		"calls, no semicolons":      r("log(a, b.c.d)\n", 50_000),
		"functions":                 r("function f(a, b) { return a ? b : [a, b] }\n", 20_000),
		"ifs":                       r("if (a) { b() } else if (c) { d() }\n", 20_000),
		"ifs on a line":             r("if(a){b()}", 20_000),
		"data":                      "export const data = [" + r(`{"name": "x", "tags": ["a", "b"], "n": 1.5},`+"\n", 20_000) + "]",
		"numbers":                   "const t = [" + r("1,", 200_000) + "]",
		"table":                     "const t = {" + r("a: 1,\n", 20_000) + "}",
		"cases":                     "switch (a) {" + r("case 1: return b\n", 5_000) + "}",
		"elements":                  "const a = f(" + r("'x',", 50_000) + "1)",
		"regexps":                   r("if (/[()'\"`/]/.test(a)) b = c / d / e\n", 20_000),
		"comments":                  r("// it's ((( \n/* don't ((( ` */\n", 20_000),
		"templates":                 r("s = `a (${b}) ' ${`${c}`}`\n", 20_000),
		"empty":                     "",
	}
	for name, source := range fine {
		t.Run(name, func(t *testing.T) {
			if at, problem := guard(source); problem != "" {
				t.Errorf("refused at %d of %d: %s", at, len(source), problem)
			}
		})
	}
}
