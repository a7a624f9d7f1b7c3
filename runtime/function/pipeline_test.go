package function_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"hadron/runtime/function"
)

func stages(second string) string { return `{"stages":[{"name":"staging"},` + second + `]}` }

// The schema and the parser must refuse the same mistakes.
func TestPipelineSchemaAndParserAgree(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(function.PipelineSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("pipeline.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("pipeline.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for verdict, pipelines := range map[bool][]string{
		true: {
			stages(`{"name":"production","alias":"prod"}`), stages(`{"name":"p","server":"https://hadron.example.com","token_env":"PROD_TOKEN"}`),
			stages(`{"name":"p","server":"http://127.0.0.1:8080/base/","strategy":"canary","steps":[5,50],"interval":"2m"}`),
			stages(`{"name":"p","alias":"p","requires":{"soak":"10m","health":"healthy","manual":true},"checks":[{"path":"/h?x=1","status":204,"contains":"ok"},{"path":"/"}]}`),
			`{"function":"a/b/c","stages":[{"name":"a","alias":"a","checks":[{"path":"/"}]},{"name":"b"}]}`,
		},
		false: {
			`{}`, `[]`, `{"stages":[]}`, `{"stages":[{"name":"a"}]}`, `{"stages":{}}`, `{"stages":[{"name":"a"},"b"]}`, `{"function":"a/b","stages":[{"name":"a"},{"name":"b","alias":"b"}]}`,
			stages(`{}`), stages(`{"name":""}`), stages(`{"name":"Prod","alias":"p"}`), stages(`{"name":"p","alias":""}`), stages(`{"name":"p","alias":"P"}`), stages(`{"name":"p","alias":"p","extra":1}`),
			stages(`{"name":"p","server":"hadron.example.com"}`), stages(`{"name":"p","server":"https://ada:secret@x"}`), stages(`{"name":"p","server":"https://x?y"}`), stages(`{"name":"p","server":""}`),
			stages(`{"name":"p","alias":"p","token_env":"hdn_abc"}`), stages(`{"name":"p","alias":"p","token_env":"A-B"}`), stages(`{"name":"p","alias":"p","token":"x"}`),
			stages(`{"name":"p","alias":"p","strategy":"big-bang"}`), stages(`{"name":"p","alias":"p","steps":[0]}`), stages(`{"name":"p","alias":"p","interval":"2"}`),
			stages(`{"name":"p","alias":"p","requires":{"soak":10}}`), stages(`{"name":"p","alias":"p","requires":{"health":"failing"}}`), stages(`{"name":"p","alias":"p","requires":{"manual":"yes"}}`),
			stages(`{"name":"p","alias":"p","checks":[{}]}`), stages(`{"name":"p","alias":"p","checks":[{"path":"x"}]}`), stages(`{"name":"p","alias":"p","checks":[{"path":"/","status":42}]}`), stages(`{"name":"p","alias":"p","checks":[{"path":"/","contains":""}]}`),
		},
	} {
		for _, text := range pipelines {
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
			schema := err == nil && s.Validate(doc) == nil
			if _, err := function.ParsePipeline([]byte(text)); schema != verdict || (err == nil) != verdict {
				t.Errorf("taken should be %v: schema %v, parser: %v\n%s", verdict, schema, err, text)
			}
		}
	}
}

func TestPipelineErrorsNameKeyAndCure(t *testing.T) {
	for text, want := range map[string]string{
		stages(`{"name":"p","alais":"x"}`):                                            `stages[1].alais: no such key; did you mean "alias"?`,
		stages(`{"name":"p","soak":"1m"}`):                                            `stages[1].soak: no such key; did you mean "stages[].requires.soak"?`,
		stages(`{"name":"p","limits":{}}`):                                            `stages[1].limits: no such key; docs/delivery.md lists them all`,
		stages(`{"name":"staging","alias":"x"}`):                                      `stages[1].name: "staging" stands there twice`,
		stages(`{"name":"p"}`):                                                        `stages[1].alias: the same alias of the same server as stage "staging"; give it another alias or server`,
		stages(`{"name":"p","alias":"x","steps":[50,5]}`):                             `stages[1].steps[1]: whole percentages from 1 to 99, each over the one before; the whole comes by itself behind the last`,
		`{"stages":[{"name":"a","requires":{"soak":"1m"}},{"name":"b","alias":"b"}]}`: `stages[0].requires: nothing is promoted to the first stage; write what is required of it into the stage that comes next`,
		`{"stages":[{"name":"a","strategy":"canary"},{"name":"b","alias":"b"}]}`:      `stages[0]: nothing is promoted to the first stage, so strategy, steps and interval say nothing here; hadron deploy and hadron.yaml do`,
		stages(`{"name":"p","alias":"x","requires":{"soak":"31d"}}`):                  `stages[1].requires.soak: at most 30d`,
	} {
		_, err := function.ParsePipeline([]byte(text))
		var bad *function.ManifestError
		if !errors.As(err, &bad) || bad.Key+": "+bad.Problem != want {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
	p, err := function.ParsePipeline([]byte(stages(`{"name":"p","alias":"prod"}`)))
	want := function.DefaultStage()
	want.Name = "staging"
	if err != nil || !reflect.DeepEqual(p.Stages[0], want) || p.Find("p") != 1 || p.Find("x") != -1 {
		t.Errorf("%+v, %v", p, err)
	}
}
