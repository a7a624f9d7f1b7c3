package project

import (
	"strings"
	"unicode"
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
	var b strings.Builder
	was, is := 0, 0 // columns of the entry before
	for line != "" {
		entry, rest, follows := strings.Cut(line, ",")
		distance, length := readVLQ(entry)
		if length == 0 || distance < 0 {
			return "", false
		}
		was += distance
		at := max(0, was-from+to)
		if was < from {
			at = 0
		}
		writeVLQ(&b, at-is)
		b.WriteString(entry[length:])
		is, line = at, rest
		if follows {
			b.WriteByte(',')
		}
		if was >= from { // the others are as far behind it as they were
			b.WriteString(rest)
			break
		}
	}
	if more {
		b.WriteString(";" + others)
	}
	return b.String(), true
}

const vlqDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// readVLQ reads the number that s begins with and how many characters it takes; 0: s
// begins with none.
func readVLQ(s string) (value, length int) {
	for shift := 0; length < len(s) && shift <= 30; shift += 5 {
		digit := strings.IndexByte(vlqDigits, s[length])
		if digit < 0 {
			return 0, 0
		}
		length++
		value |= digit & 31 << shift
		if digit&32 == 0 {
			if value&1 != 0 {
				return -(value >> 1), length
			}
			return value >> 1, length
		}
	}
	return 0, 0
}

// writeVLQ writes a number that is not negative.
func writeVLQ(b *strings.Builder, value int) {
	value <<= 1
	for {
		digit := value & 31
		if value >>= 5; value > 0 {
			digit |= 32
		}
		b.WriteByte(vlqDigits[digit])
		if value == 0 {
			return
		}
	}
}
