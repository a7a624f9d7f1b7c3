package project

import (
	"strings"
	"unicode"

	"hadron/runtime/vlq"
)

// helpers is what esbuild writes before an ES module so that CommonJS code may import
// it. Here nobody does: the engine takes the handler off its exports. Of a small module
// these are three quarters of the text, to be parsed and run at each first call.
const helpers = `var __defProp=Object.defineProperty;var __getOwnPropDesc=Object.getOwnPropertyDescriptor;` +
	`var __getOwnPropNames=Object.getOwnPropertyNames;var __hasOwnProp=Object.prototype.hasOwnProperty;` +
	`var __export=(target,all)=>{for(var name in all)__defProp(target,name,{get:all[name],enumerable:true})};` +
	`var __copyProps=(to,from,except,desc)=>{if(from&&typeof from==="object"||typeof from==="function"){for(let key of __getOwnPropNames(from))` +
	`if(!__hasOwnProp.call(to,key)&&key!==except)__defProp(to,key,{get:()=>from[key],enumerable:!(desc=__getOwnPropDesc(from,key))||desc.enumerable})}return to};` +
	`var __toCommonJS=mod=>__copyProps(__defProp({},"__esModule",{value:true}),mod);`

var helperNames = []string{"__defProp", "__getOwnPropDesc", "__getOwnPropNames", "__hasOwnProp", "__export", "__copyProps", "__toCommonJS"}

// plainExports writes a module's exports as getters of one object, which is what the
// helpers make of them, and fits the mappings to it. Code that uses the helpers itself,
// or does not begin as esbuild's usually does, stays as it is.
func plainExports(code []byte, mappings string) ([]byte, string) {
	text := string(code)
	rest, ok := strings.CutPrefix(text, helpers)
	if !ok {
		return code, mappings
	}
	object, rest, ok := cutExports(rest)
	if !ok {
		return code, mappings
	}
	for _, name := range helperNames {
		if strings.Contains(rest, name) {
			return code, mappings
		}
	}
	moved, ok := moveColumns(mappings, len(text)-len(rest), len(object))
	if !ok {
		return code, mappings
	}
	return []byte(object + rest), moved
}

// cutExports reads esbuild's statements of all exports, such as
// var m_exports={};__export(m_exports,{default:()=>m_default});module.exports=__toCommonJS(m_exports);
// and returns the one that stands for them, and what follows.
func cutExports(text string) (object, rest string, ok bool) {
	text, ok = strings.CutPrefix(text, "var ")
	if !ok {
		return "", "", false
	}
	name, text, ok := strings.Cut(text, "={};")
	if !ok || !isName(name) {
		return "", "", false
	}
	text, ok = strings.CutPrefix(text, "__export("+name+",{")
	if !ok {
		return "", "", false
	}
	members, rest, ok := strings.Cut(text, "});module.exports=__toCommonJS("+name+");")
	if !ok || strings.Contains(rest, name) {
		return "", "", false
	}
	var b strings.Builder
	b.WriteString("module.exports={")
	for i, member := range strings.Split(members, ",") {
		export, local, ok := strings.Cut(member, ":()=>")
		// The engine's parser would take these three for the beginning of something else.
		if !ok || !isName(export) || !isName(local) || export == "get" || export == "set" || export == "async" {
			return "", "", false
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("get " + export + "(){return " + local + "}")
	}
	b.WriteString("};")
	return b.String(), rest, true
}

// isName reports whether a text is a name and nothing else.
func isName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) < 0
}

// moveColumns fits mappings to code whose first from columns became to: what is mapped
// within them is at the beginning, what stands behind moves along. It fails where the
// mappings are malformed.
func moveColumns(mappings string, from, to int) (string, bool) {
	line, others, more := strings.Cut(mappings, ";")
	var b []byte
	was, is := 0, 0 // columns of the entry before
	for line != "" {
		entry, rest, follows := strings.Cut(line, ",")
		distance, length, ok := vlq.Read(entry)
		if !ok || distance&1 != 0 { // columns of a line only grow
			return "", false
		}
		was += distance >> 1
		at := max(0, was-from+to)
		if was < from {
			at = 0
		}
		b = append(vlq.Append(b, (at-is)<<1), entry[length:]...)
		is, line = at, rest
		if follows {
			b = append(b, ',')
		}
		if was >= from { // the others are as far behind it as they were
			b = append(b, rest...)
			break
		}
	}
	if more {
		b = append(append(b, ';'), others...)
	}
	return string(b), true
}
