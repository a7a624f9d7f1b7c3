package pattern

import (
	"strings"
	"sync"
	"unicode"
)

// known keeps the sets of properties that were asked for; there are only so many
// names.
var known sync.Map // name → set

// lookup is the set that the inside of \p{…} names.
func lookup(name string) (set, error) {
	if s, ok := known.Load(name); ok {
		return s.(set), nil
	}
	s, err := resolve(name)
	if err != nil {
		return nil, err
	}
	known.Store(name, s)
	return s, nil
}

func resolve(name string) (set, error) {
	property, value, pair := strings.Cut(name, "=")
	if !pair {
		if s, ok := category(name); ok {
			return s, nil
		}
		if s, ok := binary(name); ok {
			return s, nil
		}
		if unsupported[name] {
			return nil, refuse(`the property \p{%s} is not supported here`, name)
		}
		return nil, refuse(`there is no property \p{%s}`, clip(name))
	}
	switch property {
	case "General_Category", "gc":
		if s, ok := category(value); ok {
			return s, nil
		}
	case "Script", "sc":
		if s, _, ok := script(value); ok {
			return s, nil
		}
	case "Script_Extensions", "scx":
		if s, long, ok := script(value); ok {
			shares := ofText(scriptShares[long])
			if long == "Common" || long == "Inherited" {
				return s.subtract(shares), nil
			}
			return s.union(shares), nil
		}
	}
	return nil, refuse(`there is no property \p{%s} in Unicode %s`, clip(name), unicode.Version)
}

// category is a general category by its short or long name.
func category(name string) (set, bool) {
	if short, ok := unicode.CategoryAliases[name]; ok {
		name = short
	}
	switch name {
	case "C": // with what is unassigned, which the table leaves out
		return categories("Cc", "Cf", "Cs", "Co", "Cn"), true
	case "LC":
		return categories("Lu", "Ll", "Lt"), true
	}
	t, ok := unicode.Categories[name]
	if !ok {
		return nil, false
	}
	return ofTable(t), true
}

func categories(names ...string) (s set) {
	for _, name := range names {
		s = s.union(ofTable(unicode.Categories[name]))
	}
	return s
}

func properties(names ...string) (s set) {
	for _, name := range names {
		s = s.union(ofTable(unicode.Properties[name]))
	}
	return s
}

// script is a script by its long or short name, and its long name.
func script(name string) (set, string, bool) {
	if long, ok := scriptNames()[name]; ok {
		name = long
	}
	t, ok := unicode.Scripts[name]
	if !ok {
		return nil, "", false
	}
	return ofTable(t), name, true
}

var scriptNames = sync.OnceValue(func() map[string]string {
	names := map[string]string{"Qaac": "Coptic", "Qaai": "Inherited"}
	for _, pair := range strings.Fields(scriptAliases) {
		short, long, _ := strings.Cut(pair, "=")
		names[short] = long
	}
	return names
})

// binaryAliases are the short names of properties that are yes or no.
var binaryAliases = map[string]string{
	"AHex": "ASCII_Hex_Digit", "Alpha": "Alphabetic", "Bidi_C": "Bidi_Control", "Dep": "Deprecated", "DI": "Default_Ignorable_Code_Point",
	"Dia": "Diacritic", "EBase": "Emoji_Modifier_Base", "EComp": "Emoji_Component", "EMod": "Emoji_Modifier", "EPres": "Emoji_Presentation",
	"Ext": "Extender", "ExtPict": "Extended_Pictographic", "Gr_Base": "Grapheme_Base", "Gr_Ext": "Grapheme_Extend", "Hex": "Hex_Digit",
	"IDC": "ID_Continue", "IDS": "ID_Start", "IDSB": "IDS_Binary_Operator", "IDST": "IDS_Trinary_Operator", "Ideo": "Ideographic",
	"Join_C": "Join_Control", "LOE": "Logical_Order_Exception", "Lower": "Lowercase", "NChar": "Noncharacter_Code_Point",
	"Pat_Syn": "Pattern_Syntax", "Pat_WS": "Pattern_White_Space", "QMark": "Quotation_Mark", "RI": "Regional_Indicator", "SD": "Soft_Dotted",
	"STerm": "Sentence_Terminal", "Term": "Terminal_Punctuation", "UIdeo": "Unified_Ideograph", "Upper": "Uppercase",
	"VS": "Variation_Selector", "space": "White_Space",
	"Bidi_M": "Bidi_Mirrored", "CI": "Case_Ignorable", "CWCF": "Changes_When_Casefolded", "CWCM": "Changes_When_Casemapped",
	"CWKCF": "Changes_When_NFKC_Casefolded", "CWL": "Changes_When_Lowercased", "CWT": "Changes_When_Titlecased",
	"CWU": "Changes_When_Uppercased", "XIDC": "XID_Continue", "XIDS": "XID_Start",
}

// unsupported are properties of the language that nothing here knows.
var unsupported = map[string]bool{
	"Bidi_Mirrored": true, "Bidi_M": true, "Case_Ignorable": true, "CI": true, "Changes_When_Casefolded": true, "CWCF": true,
	"Changes_When_Casemapped": true, "CWCM": true, "Changes_When_NFKC_Casefolded": true, "CWKCF": true,
	"Changes_When_Lowercased": true, "CWL": true, "Changes_When_Titlecased": true, "CWT": true, "Changes_When_Uppercased": true, "CWU": true,
	"XID_Continue": true, "XIDC": true, "XID_Start": true, "XIDS": true,
	"Basic_Emoji": true, "Emoji_Keycap_Sequence": true, "RGI_Modifier_Sequence": true, "RGI_Flag_Sequence": true,
	"RGI_Emoji": true, "RGI_Emoji_Modifier_Sequence": true, "RGI_Emoji_Flag_Sequence": true, "RGI_Emoji_Tag_Sequence": true,
	"RGI_Emoji_ZWJ_Sequence": true,
}

// plain are the properties that package unicode has as the language names them.
var plain = map[string]bool{
	"ASCII_Hex_Digit": true, "Bidi_Control": true, "Dash": true, "Deprecated": true, "Diacritic": true, "Extender": true, "Hex_Digit": true,
	"IDS_Binary_Operator": true, "IDS_Trinary_Operator": true, "Ideographic": true, "Join_Control": true, "Logical_Order_Exception": true,
	"Noncharacter_Code_Point": true, "Pattern_Syntax": true, "Pattern_White_Space": true, "Quotation_Mark": true, "Radical": true,
	"Regional_Indicator": true, "Sentence_Terminal": true, "Soft_Dotted": true, "Terminal_Punctuation": true, "Unified_Ideograph": true,
	"Variation_Selector": true, "White_Space": true,
}

// binary is a property that is yes or no; derived ones as Unicode derives them.
func binary(name string) (set, bool) {
	if long, ok := binaryAliases[name]; ok {
		name = long
	}
	if plain[name] {
		return properties(name), true
	}
	if text, ok := emojiRanges[name]; ok {
		return ofText(text), true
	}
	switch name {
	case "Any":
		return all, true
	case "ASCII":
		return set{{0, unicode.MaxASCII}}, true
	case "Assigned":
		return categories("Cn").complement(), true
	case "Alphabetic":
		return categories("L", "Nl").union(properties("Other_Alphabetic")), true
	case "Lowercase":
		return categories("Ll").union(properties("Other_Lowercase")), true
	case "Uppercase":
		return categories("Lu").union(properties("Other_Uppercase")), true
	case "Cased":
		return categories("Ll", "Lu", "Lt").union(properties("Other_Lowercase", "Other_Uppercase")), true
	case "Math":
		return categories("Sm").union(properties("Other_Math")), true
	case "ID_Start":
		return idStart(), true
	case "ID_Continue":
		continues := idStart().union(categories("Mn", "Mc", "Nd", "Pc"), properties("Other_ID_Continue"))
		return continues.subtract(properties("Pattern_Syntax", "Pattern_White_Space")), true
	case "Grapheme_Extend":
		return categories("Me", "Mn").union(properties("Other_Grapheme_Extend")), true
	case "Grapheme_Base":
		others := categories("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Me", "Mn")
		return others.union(properties("Other_Grapheme_Extend")).complement(), true
	case "Default_Ignorable_Code_Point":
		visible := properties("White_Space", "Prepended_Concatenation_Mark").union(set{{0xfff9, 0xfffb}, {0x13430, 0x1343f}})
		return categories("Cf").union(properties("Other_Default_Ignorable_Code_Point", "Variation_Selector")).subtract(visible), true
	}
	return nil, false
}

func idStart() set {
	return categories("L", "Nl").union(properties("Other_ID_Start")).subtract(properties("Pattern_Syntax", "Pattern_White_Space"))
}
