package pattern

// What package unicode does not know, of Unicode 17: which characters are emoji, which
// a script shares with others, and the short names of scripts.

// scriptAliases are pairs of a script's short name and its long one.
const scriptAliases = `
Adlm=Adlam Aghb=Caucasian_Albanian Arab=Arabic Armi=Imperial_Aramaic Armn=Armenian Avst=Avestan Bali=Balinese
Bamu=Bamum Bass=Bassa_Vah Batk=Batak Beng=Bengali Bhks=Bhaiksuki Bopo=Bopomofo Brah=Brahmi Brai=Braille
Bugi=Buginese Buhd=Buhid Cakm=Chakma Cans=Canadian_Aboriginal Cari=Carian Cher=Cherokee Chrs=Chorasmian
Copt=Coptic Cpmn=Cypro_Minoan Cprt=Cypriot Cyrl=Cyrillic Deva=Devanagari Diak=Dives_Akuru Dogr=Dogra
Dsrt=Deseret Dupl=Duployan Egyp=Egyptian_Hieroglyphs Elba=Elbasan Elym=Elymaic Ethi=Ethiopic Geor=Georgian
Glag=Glagolitic Gong=Gunjala_Gondi Gonm=Masaram_Gondi Goth=Gothic Gran=Grantha Grek=Greek Gujr=Gujarati
Guru=Gurmukhi Hang=Hangul Hani=Han Hano=Hanunoo Hatr=Hatran Hebr=Hebrew Hira=Hiragana
Hluw=Anatolian_Hieroglyphs Hmng=Pahawh_Hmong Hmnp=Nyiakeng_Puachue_Hmong Hung=Old_Hungarian Ital=Old_Italic
Java=Javanese Kali=Kayah_Li Kana=Katakana Khar=Kharoshthi Khmr=Khmer Khoj=Khojki Kits=Khitan_Small_Script
Knda=Kannada Kthi=Kaithi Lana=Tai_Tham Laoo=Lao Latn=Latin Lepc=Lepcha Limb=Limbu Lina=Linear_A Linb=Linear_B
Lyci=Lycian Lydi=Lydian Mahj=Mahajani Maka=Makasar Mand=Mandaic Mani=Manichaean Marc=Marchen Medf=Medefaidrin
Mend=Mende_Kikakui Merc=Meroitic_Cursive Mero=Meroitic_Hieroglyphs Mlym=Malayalam Mong=Mongolian Mroo=Mro
Mtei=Meetei_Mayek Mult=Multani Mymr=Myanmar Nagm=Nag_Mundari Nand=Nandinagari Narb=Old_North_Arabian
Nbat=Nabataean Nkoo=Nko Nshu=Nushu Ogam=Ogham Olck=Ol_Chiki Orkh=Old_Turkic Orya=Oriya Osge=Osage Osma=Osmanya
Ougr=Old_Uyghur Palm=Palmyrene Pauc=Pau_Cin_Hau Perm=Old_Permic Phag=Phags_Pa Phli=Inscriptional_Pahlavi
Phlp=Psalter_Pahlavi Phnx=Phoenician Plrd=Miao Prti=Inscriptional_Parthian Qaac=Coptic Qaai=Inherited
Rjng=Rejang Rohg=Hanifi_Rohingya Runr=Runic Samr=Samaritan Sarb=Old_South_Arabian Saur=Saurashtra
Sgnw=SignWriting Shaw=Shavian Shrd=Sharada Sidd=Siddham Sind=Khudawadi Sinh=Sinhala Sogd=Sogdian
Sogo=Old_Sogdian Sora=Sora_Sompeng Soyo=Soyombo Sund=Sundanese Sylo=Syloti_Nagri Syrc=Syriac Tagb=Tagbanwa
Takr=Takri Tale=Tai_Le Talu=New_Tai_Lue Taml=Tamil Tang=Tangut Tavt=Tai_Viet Telu=Telugu Tfng=Tifinagh
Tglg=Tagalog Thaa=Thaana Tibt=Tibetan Tirh=Tirhuta Tnsa=Tangsa Ugar=Ugaritic Vaii=Vai Vith=Vithkuqi
Wara=Warang_Citi Wcho=Wancho Xpeo=Old_Persian Xsux=Cuneiform Yezi=Yezidi Yiii=Yi Zanb=Zanabazar_Square
Zinh=Inherited Zyyy=Common
`

// emojiRanges are hexadecimal ranges, by property.
var emojiRanges = map[string]string{
	"Emoji": `
23 2a 30-39 a9 ae 203c 2049 2122 2139 2194-2199 21a9-21aa 231a-231b 2328 23cf 23e9-23f3 23f8-23fa 24c2
25aa-25ab 25b6 25c0 25fb-25fe 2600-2604 260e 2611 2614-2615 2618 261d 2620 2622-2623 2626 262a 262e-262f
2638-263a 2640 2642 2648-2653 265f-2660 2663 2665-2666 2668 267b 267e-267f 2692-2697 2699 269b-269c 26a0-26a1
26a7 26aa-26ab 26b0-26b1 26bd-26be 26c4-26c5 26c8 26ce-26cf 26d1 26d3-26d4 26e9-26ea 26f0-26f5 26f7-26fa 26fd
2702 2705 2708-270d 270f 2712 2714 2716 271d 2721 2728 2733-2734 2744 2747 274c 274e 2753-2755 2757 2763-2764
2795-2797 27a1 27b0 27bf 2934-2935 2b05-2b07 2b1b-2b1c 2b50 2b55 3030 303d 3297 3299 1f004 1f0cf 1f170-1f171
1f17e-1f17f 1f18e 1f191-1f19a 1f1e6-1f1ff 1f201-1f202 1f21a 1f22f 1f232-1f23a 1f250-1f251 1f300-1f321
1f324-1f393 1f396-1f397 1f399-1f39b 1f39e-1f3f0 1f3f3-1f3f5 1f3f7-1f4fd 1f4ff-1f53d 1f549-1f54e 1f550-1f567
1f56f-1f570 1f573-1f57a 1f587 1f58a-1f58d 1f590 1f595-1f596 1f5a4-1f5a5 1f5a8 1f5b1-1f5b2 1f5bc 1f5c2-1f5c4
1f5d1-1f5d3 1f5dc-1f5de 1f5e1 1f5e3 1f5e8 1f5ef 1f5f3 1f5fa-1f64f 1f680-1f6c5 1f6cb-1f6d2 1f6d5-1f6d8
1f6dc-1f6e5 1f6e9 1f6eb-1f6ec 1f6f0 1f6f3-1f6fc 1f7e0-1f7eb 1f7f0 1f90c-1f93a 1f93c-1f945 1f947-1f9ff
1fa70-1fa7c 1fa80-1fa8a 1fa8e-1fac6 1fac8 1facd-1fadc 1fadf-1faea 1faef-1faf8
`,
	"Emoji_Presentation": `
231a-231b 23e9-23ec 23f0 23f3 25fd-25fe 2614-2615 2648-2653 267f 2693 26a1 26aa-26ab 26bd-26be 26c4-26c5 26ce
26d4 26ea 26f2-26f3 26f5 26fa 26fd 2705 270a-270b 2728 274c 274e 2753-2755 2757 2795-2797 27b0 27bf 2b1b-2b1c
2b50 2b55 1f004 1f0cf 1f18e 1f191-1f19a 1f1e6-1f1ff 1f201 1f21a 1f22f 1f232-1f236 1f238-1f23a 1f250-1f251
1f300-1f320 1f32d-1f335 1f337-1f37c 1f37e-1f393 1f3a0-1f3ca 1f3cf-1f3d3 1f3e0-1f3f0 1f3f4 1f3f8-1f43e 1f440
1f442-1f4fc 1f4ff-1f53d 1f54b-1f54e 1f550-1f567 1f57a 1f595-1f596 1f5a4 1f5fb-1f64f 1f680-1f6c5 1f6cc
1f6d0-1f6d2 1f6d5-1f6d8 1f6dc-1f6df 1f6eb-1f6ec 1f6f4-1f6fc 1f7e0-1f7eb 1f7f0 1f90c-1f93a 1f93c-1f945
1f947-1f9ff 1fa70-1fa7c 1fa80-1fa8a 1fa8e-1fac6 1fac8 1facd-1fadc 1fadf-1faea 1faef-1faf8
`,
	"Extended_Pictographic": `
a9 ae 203c 2049 2122 2139 2194-2199 21a9-21aa 231a-231b 2328 23cf 23e9-23f3 23f8-23fa 24c2 25aa-25ab 25b6 25c0
25fb-25fe 2600-2604 260e 2611 2614-2615 2618 261d 2620 2622-2623 2626 262a 262e-262f 2638-263a 2640 2642
2648-2653 265f-2660 2663 2665-2666 2668 267b 267e-267f 2692-2697 2699 269b-269c 26a0-26a1 26a7 26aa-26ab
26b0-26b1 26bd-26be 26c4-26c5 26c8 26ce-26cf 26d1 26d3-26d4 26e9-26ea 26f0-26f5 26f7-26fa 26fd 2702 2705
2708-270d 270f 2712 2714 2716 271d 2721 2728 2733-2734 2744 2747 274c 274e 2753-2755 2757 2763-2764 2795-2797
27a1 27b0 27bf 2934-2935 2b05-2b07 2b1b-2b1c 2b50 2b55 3030 303d 3297 3299 1f004 1f02c-1f02f 1f094-1f09f
1f0af-1f0b0 1f0c0 1f0cf-1f0d0 1f0f6-1f0ff 1f170-1f171 1f17e-1f17f 1f18e 1f191-1f19a 1f1ae-1f1e5 1f201-1f20f
1f21a 1f22f 1f232-1f23a 1f23c-1f23f 1f249-1f25f 1f266-1f321 1f324-1f393 1f396-1f397 1f399-1f39b 1f39e-1f3f0
1f3f3-1f3f5 1f3f7-1f3fa 1f400-1f4fd 1f4ff-1f53d 1f549-1f54e 1f550-1f567 1f56f-1f570 1f573-1f57a 1f587
1f58a-1f58d 1f590 1f595-1f596 1f5a4-1f5a5 1f5a8 1f5b1-1f5b2 1f5bc 1f5c2-1f5c4 1f5d1-1f5d3 1f5dc-1f5de 1f5e1
1f5e3 1f5e8 1f5ef 1f5f3 1f5fa-1f64f 1f680-1f6c5 1f6cb-1f6d2 1f6d5-1f6e5 1f6e9 1f6eb-1f6f0 1f6f3-1f6ff
1f7da-1f7ff 1f80c-1f80f 1f848-1f84f 1f85a-1f85f 1f888-1f88f 1f8ae-1f8af 1f8bc-1f8bf 1f8c2-1f8cf 1f8d9-1f8ff
1f90c-1f93a 1f93c-1f945 1f947-1f9ff 1fa58-1fa5f 1fa6e-1faff 1fc00-1fffd
`,
	"Emoji_Modifier_Base": `
261d 26f9 270a-270d 1f385 1f3c2-1f3c4 1f3c7 1f3ca-1f3cc 1f442-1f443 1f446-1f450 1f466-1f478 1f47c 1f481-1f483
1f485-1f487 1f48f 1f491 1f4aa 1f574-1f575 1f57a 1f590 1f595-1f596 1f645-1f647 1f64b-1f64f 1f6a3 1f6b4-1f6b6
1f6c0 1f6cc 1f90c 1f90f 1f918-1f91f 1f926 1f930-1f939 1f93c-1f93e 1f977 1f9b5-1f9b6 1f9b8-1f9b9 1f9bb
1f9cd-1f9cf 1f9d1-1f9dd 1fac3-1fac5 1faf0-1faf8
`,
	"Emoji_Component": `
23 2a 30-39 200d 20e3 fe0f 1f1e6-1f1ff 1f3fb-1f3ff 1f9b0-1f9b3 e0020-e007f
`,
	"Emoji_Modifier": `
1f3fb-1f3ff
`,
}

// scriptShares are what Script_Extensions adds to a script, or takes from the two
// that stand for many.
var scriptShares = map[string]string{
	"Adlam":              `61f 640 204f 2e41`,
	"Arabic":             `60c 61b 61f 640 64b-655 670 204f 2e41 fd3e-fd3f 102e0-102fb`,
	"Armenian":           `308`,
	"Avestan":            `b7 2e30-2e31`,
	"Bengali":            `2bc 951-952 964-965 1cd0 1cd2 1cd5-1cd6 1cd8 1ce1 1cea 1ced 1cf2 1cf5-1cf7 a8f1`,
	"Bopomofo":           `2c7 2c9-2cb 2d9 3001-3003 3008-3011 3013-301f 302a-302d 3030 3037 30fb fe45-fe46 ff61-ff65`,
	"Buginese":           `a9cf`,
	"Buhid":              `1735-1736`,
	"Carian":             `b7 205a 205d 2e31`,
	"Caucasian_Albanian": `304 331 35e`,
	"Chakma":             `9e6-9ef 1040-1049`,
	"Cherokee":           `300-302 304 30b-30c 323-324 330-331`,
	"Common": `
b7 2bc 2c7 2c9-2cb 2cd 2d7 2d9 374 60c 61b 61f 640 964-965 10fb 16eb-16ed 1735-1736 1802-1803 1805 1cd3 1ce1
1ce9-1cec 1cee-1cf3 1cf5-1cf7 1cfa 202f 204f 205a 205d 2e17 2e30-2e31 2e3c 2e41 2e43 2ff0-2fff 3001-3003 3006
3008-3011 3013-301f 3030-3035 3037 303c-303f 309b-309c 30a0 30fb-30fc 3190-319f 31c0-31e5 31ef 3220-3247
3280-32b0 32c0-32cb 32ff 3358-3370 337b-337f 33e0-33fe a700-a707 a830-a839 a92e a9cf fd3e-fd3f fe45-fe46
ff61-ff65 ff70 ff9e-ff9f 10100-10102 10107-10133 10137-1013f 102e1-102fb 1bca0-1bca3 1d360-1d371 1f250-1f251
`,
	"Coptic":        `b7 300 304-305 307 374-375 2e17 102e0-102fb`,
	"Cypriot":       `10100-10102 10107-10133 10137-1013f`,
	"Cypro_Minoan":  `10100-10101`,
	"Cyrillic":      `2bc 300-302 304 306 308 30b 311 485-486 1df8 2e43`,
	"Devanagari":    `2bc 951-952 964-965 1cd0-1cf6 1cf8-1cf9 20f0 a830-a839`,
	"Dogra":         `964-96f a830-a839`,
	"Duployan":      `b7 307-308 30a 323-324 2e3c 1bca0-1bca3`,
	"Elbasan":       `b7 305`,
	"Ethiopic":      `30e`,
	"Georgian":      `b7 589 10fb 205a 2e31`,
	"Glagolitic":    `b7 303 305 484 487 589 10fb 205a 2e43 a66f`,
	"Gothic":        `b7 304-305 308 331`,
	"Grantha":       `951-952 964-965 be6-bf3 1cd0 1cd2-1cd3 1cf2-1cf4 1cf8-1cf9 20f0 1133b 11fd0-11fd1 11fd3`,
	"Greek":         `b7 300-301 304 306 308 313 342 345 374 1dc0-1dc1 205d`,
	"Gujarati":      `951-952 964-965 a830-a839`,
	"Gunjala_Gondi": `b7 964-965`,
	"Gurmukhi":      `951-952 964-965 a830-a839`,
	"Han": `
b7 2ff0-2fff 3001-3003 3006 3008-3011 3013-301f 302a-302d 3030 3037 303c-303f 30fb 3190-319f 31c0-31e5 31ef
3220-3247 3280-32b0 32c0-32cb 32ff 3358-3370 337b-337f 33e0-33fe a700-a707 fe45-fe46 ff61-ff65 1d360-1d371
1f250-1f251
`,
	"Hangul":          `3001-3003 3008-3011 3013-301f 3030 3037 30fb fe45-fe46 ff61-ff65`,
	"Hanifi_Rohingya": `60c 61b 61f 640 6d4`,
	"Hanunoo":         `1735-1736`,
	"Hebrew":          `307-308`,
	"Hiragana": `
3001-3003 3008-3011 3013-301f 3030-3035 3037 303c-303d 3099-309c 30a0 30fb-30fc fe45-fe46 ff61-ff65 ff70
ff9e-ff9f
`,
	"Inherited": `
300-30e 310-311 313 323-325 32d-32e 330-331 342 345 358 35e 363-36f 485-486 64b-655 670 951-952 1cd0-1cd2
1cd4-1ce0 1ce2-1ce8 1ced 1cf4 1cf8-1cf9 1dc0-1dc1 1df8 1dfa 20f0 302a-302d 3099-309a 102e0 1133b
`,
	"Javanese": `a9cf`,
	"Kaithi":   `966-96f 2e31 a830-a839`,
	"Kannada":  `951-952 964-965 1cd0 1cd2-1cd3 1cda 1cf2 1cf4 a830-a835`,
	"Katakana": `
305 323 3001-3003 3008-3011 3013-301f 3030-3035 3037 303c-303d 3099-309c 30a0 30fb-30fc fe45-fe46 ff61-ff65
ff70 ff9e-ff9f
`,
	"Kayah_Li":  `a92e`,
	"Khojki":    `ae6-aef a830-a839`,
	"Khudawadi": `964-965 a830-a839`,
	"Latin": `
b7 2bc 2c7 2c9-2cb 2cd 2d7 2d9 300-30e 310-311 313 323-325 32d-32e 330-331 358 35e 363-36f 485-486 951-952
10fb 1df8 202f 20f0 2e17 a700-a707 a92e
`,
	"Limbu":                `965`,
	"Linear_A":             `10107-10133`,
	"Linear_B":             `10100-10102 10107-10133 10137-1013f`,
	"Lisu":                 `2bc 2cd 300a-300b`,
	"Lycian":               `205a`,
	"Lydian":               `b7 2e31`,
	"Mahajani":             `b7 964-96f a830-a839`,
	"Malayalam":            `951-952 964-965 1cda 1cf2 a830-a832`,
	"Mandaic":              `640`,
	"Manichaean":           `640`,
	"Masaram_Gondi":        `964-965`,
	"Meroitic_Hieroglyphs": `205d`,
	"Modi":                 `a830-a839`,
	"Mongolian":            `1802-1803 1805 202f 3001-3002 3008-300b`,
	"Multani":              `a66-a6f`,
	"Myanmar":              `a92e`,
	"Nandinagari":          `951 964-965 ce6-cef 1ce9 1cf2 1cfa a830-a835`,
	"Newa":                 `951-952 1cd5 1cd7-1cd8 1ce2 1ce9 1ceb 1ced`,
	"Nko":                  `60c 61b 61f fd3e-fd3f`,
	"Old_Hungarian":        `205a 205d 2e31 2e41`,
	"Old_Permic":           `b7 300 306-308 313 483`,
	"Old_Turkic":           `205a 2e30`,
	"Old_Uyghur":           `640 10af2`,
	"Oriya":                `951-952 964-965 1cda 1cf2`,
	"Osage":                `301 304 30b 358`,
	"Phags_Pa":             `1802-1803 1805 202f 3002`,
	"Psalter_Pahlavi":      `640`,
	"Runic":                `16eb-16ed`,
	"Samaritan":            `2e31`,
	"Sharada":              `951 1cd7 1cd9 1cdc-1cdd 1ce0 1cea 1ced a830-a835 a838`,
	"Shavian":              `b7`,
	"Sinhala":              `964-965 1cf2`,
	"Sogdian":              `640`,
	"Syloti_Nagri":         `964-965 9e6-9ef`,
	"Syriac":               `303-304 307-308 30a 323-325 32d-32e 330-331 60c 61b-61c 61f 640 64b-655 670 1df8 1dfa`,
	"Tagalog":              `1735-1736`,
	"Tagbanwa":             `1735-1736`,
	"Tai_Le":               `300-301 307-308 30c 1040-1049`,
	"Takri":                `964-965 a830-a839`,
	"Tamil":                `951-952 964-965 1cda a8f3 11301 11303 1133b-1133c`,
	"Tangut":               `2ff0-2fff 31ef`,
	"Telugu":               `951-952 964-965 1cd5-1cd6 1cd8 1cda 1cf2`,
	"Thaana":               `60c 61b-61c 61f 660-669 fdf2 fdfd`,
	"Thai":                 `2bc 2d7 303 331`,
	"Tibetan":              `3008-300b`,
	"Tifinagh":             `302 304 306-309 323`,
	"Tirhuta":              `951-952 964-965 1cd5 1ce2 1cf2 a830-a839`,
	"Toto":                 `2bc`,
	"Yezidi":               `60c 61b 61f 660-669`,
	"Yi":                   `3001-3002 3008-3011 3014-301b 30fb ff61-ff65`,
}
