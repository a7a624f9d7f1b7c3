(function (native) {
	const none = Object.freeze(Object.create(null));
	const isObject = (v) => (typeof v === "object" && v !== null) || typeof v === "function";

	// tagsOf reads what may be one tag or several.
	const tagsOf = (locales) => {
		if (locales === undefined) return [];
		if (typeof locales === "string") return [locales];
		if (locales === null) throw new TypeError("Cannot convert undefined or null to object");
		const list = Object(locales);
		const tags = [];
		const length = Math.min(Number(list.length) || 0, 1000);
		for (let i = 0; i < length; i++) {
			if (!(i in list)) continue;
			const tag = list[i];
			if (typeof tag !== "string" && !isObject(tag)) throw new TypeError("Incorrect locale information provided");
			tags.push(String(tag));
		}
		return tags;
	};
	const optionsOf = (options) => {
		if (options === undefined) return none;
		if (options === null) throw new TypeError("Cannot convert undefined or null to object");
		return Object(options);
	};
	const text = (options, name) => {
		const v = options[name];
		if (v === undefined) return "";
		const s = String(v);
		if (s === "") throw new RangeError(`Value  out of range for Intl options property ${name}`);
		return s;
	};
	const number = (options, name) => {
		const v = options[name];
		if (v === undefined) return undefined;
		const n = Number(v);
		if (!Number.isFinite(n)) throw new RangeError(`${name} value is out of range.`);
		return Math.floor(n);
	};
	const texts = (options, ...names) => {
		const out = {};
		for (const name of names) out[name] = text(options, name);
		return out;
	};
	// only refuses what an option may be elsewhere, and here is of one kind.
	const only = (options, name, allowed) => {
		const v = options[name];
		if (v !== undefined && String(v) !== allowed) {
			throw new RangeError(`Intl: the option ${name} is supported here as ${allowed} only`);
		}
	};

	const held = new WeakMap();
	const of = (v, name, method) => {
		const state = isObject(v) ? held.get(v) : undefined;
		if (state === undefined || state.name !== name) {
			throw new TypeError(`Method Intl.${name}.prototype.${method} called on incompatible receiver ${isObject(v) ? "object" : String(v)}`);
		}
		return state.it;
	};
	const methodsOf = (target, members) => {
		for (const name of Object.keys(members)) {
			Object.defineProperty(target, name, { value: members[name], writable: true, enumerable: false, configurable: true });
		}
	};
	// service makes one of the classes; make answers with the platform's side of it.
	const service = (name, free, make, methods, bound) => {
		const Class = {
			[name]: function (locales, options) {
				if (new.target === undefined) {
					if (!free) throw new TypeError(`Constructor Intl.${name} requires 'new'`);
					return new Class(locales, options);
				}
				held.set(this, { name, it: make(tagsOf(locales), optionsOf(options)) });
			},
		}[name];
		Object.defineProperty(Class, "length", { value: 0, configurable: true });
		Object.defineProperty(Class, "prototype", { writable: false });
		methodsOf(Class, {
			supportedLocalesOf(locales) {
				return native.supported(tagsOf(locales));
			},
		});
		methodsOf(Class.prototype, {
			...methods,
			resolvedOptions() {
				return JSON.parse(of(this, name, "resolvedOptions").resolved());
			},
		});
		Object.defineProperty(Class.prototype, Symbol.toStringTag, { value: `Intl.${name}`, configurable: true });
		if (bound) {
			const kept = new WeakMap();
			Object.defineProperty(Class.prototype, bound.name, {
				get() {
					const it = of(this, name, bound.name);
					let fn = kept.get(this);
					if (fn === undefined) {
						fn = bound.bind(it);
						kept.set(this, fn);
					}
					return fn;
				},
				enumerable: false,
				configurable: true,
			});
		}
		return Class;
	};

	// numeric is what a formatter of numbers takes: digits, where they may be too many for a number.
	const numeric = (v) => {
		if (typeof v === "number") return v;
		if (isObject(v)) v = v[Symbol.toPrimitive] ? v[Symbol.toPrimitive]("number") : v.valueOf();
		if (typeof v === "bigint") return String(v);
		if (typeof v === "string") {
			const s = v.trim();
			return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/.test(s) ? s : Number(s);
		}
		return Number(v);
	};
	const numberOptions = (o) => {
		for (const [name, allowed] of [["roundingMode", "halfExpand"], ["roundingIncrement", "1"], ["roundingPriority", "auto"], ["trailingZeroDisplay", "auto"], ["localeMatcher", "best fit"]]) {
			if (name === "localeMatcher" && o[name] === "lookup") continue;
			only(o, name, allowed);
		}
		const out = texts(o, "style", "currency", "currencyDisplay", "currencySign", "notation", "compactDisplay", "signDisplay", "numberingSystem");
		const grouping = o.useGrouping;
		out.useGrouping = grouping === undefined || grouping === "true" || grouping === "false" ? "" : grouping === true ? "always" : grouping ? String(grouping) : "false";
		for (const name of ["minimumIntegerDigits", "minimumFractionDigits", "maximumFractionDigits", "minimumSignificantDigits", "maximumSignificantDigits"]) {
			out[name] = number(o, name);
		}
		if (out.style === "currency" && out.currency === "") throw new TypeError("Currency code is required with currency style.");
		return out;
	};
	const makeNumber = (tags, o) => native.number(tags, JSON.stringify(numberOptions(o)));

	const dateFields = ["weekday", "era", "year", "month", "day", "dayPeriod", "hour", "minute", "second", "timeZoneName", "dateStyle", "timeStyle", "timeZone", "hourCycle", "calendar", "numberingSystem"];
	const makeDate = (tags, o, required = "any", defaults = "date") => {
		const out = texts(o, ...dateFields);
		out.fractionalSecondDigits = number(o, "fractionalSecondDigits");
		if (o.hour12 !== undefined) out.hour12 = Boolean(o.hour12);
		if (out.dateStyle || out.timeStyle) {
			for (const name of ["weekday", "era", "year", "month", "day", "dayPeriod", "hour", "minute", "second", "fractionalSecondDigits", "timeZoneName"]) {
				if (out[name]) throw new TypeError(`Can't set option ${name} when ${out.dateStyle ? "dateStyle" : "timeStyle"} is used`);
			}
		}
		out.required = required;
		out.defaults = defaults;
		if (out.dateStyle && required === "time") throw new TypeError("Invalid option : dateStyle");
		if (out.timeStyle && required === "date") throw new TypeError("Invalid option : timeStyle");
		return native.date(tags, JSON.stringify(out));
	};
	const time = (v) => (v === undefined ? Date.now() : Number(v));

	const makeCollator = (tags, o) => {
		only(o, "usage", "sort");
		only(o, "ignorePunctuation", "false");
		only(o, "caseFirst", "false");
		only(o, "collation", "default");
		return native.collator(tags, text(o, "sensitivity"), Boolean(o.numeric));
	};

	const Intl = {};
	methodsOf(Intl, {
		Collator: service("Collator", true, makeCollator, {}, {
			name: "compare",
			bind: (it) => (a, b) => it.compare(String(a), String(b)),
		}),
		DateTimeFormat: service("DateTimeFormat", true, (tags, o) => makeDate(tags, o), {
			formatToParts(date) {
				return JSON.parse(of(this, "DateTimeFormat", "formatToParts").parts(time(date)));
			},
		}, { name: "format", bind: (it) => (date) => it.format(time(date)) }),
		ListFormat: service("ListFormat", false, (tags, o) => native.list(tags, text(o, "type"), text(o, "style")), {
			format(list) {
				return of(this, "ListFormat", "format").format(words(list));
			},
			formatToParts(list) {
				return JSON.parse(of(this, "ListFormat", "formatToParts").parts(words(list)));
			},
		}),
		NumberFormat: service("NumberFormat", true, makeNumber, {
			formatToParts(value) {
				return JSON.parse(of(this, "NumberFormat", "formatToParts").parts(numeric(value)));
			},
		}, { name: "format", bind: (it) => (value) => it.format(numeric(value)) }),
		PluralRules: service("PluralRules", false, (tags, o) => native.plural(tags, text(o, "type"), JSON.stringify(numberOptions(o))), {
			select(n) {
				return of(this, "PluralRules", "select").select(Number(n));
			},
		}),
		RelativeTimeFormat: service("RelativeTimeFormat", false, (tags, o) => native.relative(tags, text(o, "style"), text(o, "numeric")), {
			format(value, unit) {
				return of(this, "RelativeTimeFormat", "format").format(Number(value), String(unit));
			},
			formatToParts(value, unit) {
				const name = String(unit).replace(/s$/, "");
				const parts = JSON.parse(of(this, "RelativeTimeFormat", "formatToParts").parts(Number(value), String(unit)));
				return parts.map((part) => (part.type === "literal" ? part : { ...part, unit: name }));
			},
		}),
		getCanonicalLocales(locales) {
			return native.canonical(tagsOf(locales));
		},
	});
	const words = (list) => {
		if (list === undefined) return [];
		const out = [];
		for (const word of list) {
			if (typeof word !== "string") throw new TypeError("Iterable yielded a non-String value");
			out.push(word);
		}
		return out;
	};
	Object.defineProperty(Intl, Symbol.toStringTag, { value: "Intl", configurable: true });

	// What the methods of other objects take of it.
	const formatters = new Map();
	const formatter = (kind, make, locales, options) => {
		if ((locales !== undefined && typeof locales !== "string") || (options !== undefined && !isObject(options))) {
			return make(tagsOf(locales), optionsOf(options));
		}
		const key = kind + locales + "|" + (options === undefined ? "" : JSON.stringify(options));
		let it = formatters.get(key);
		if (it === undefined) {
			it = make(tagsOf(locales), optionsOf(options));
			if (formatters.size >= 50) formatters.clear();
			formatters.set(key, it);
		}
		return it;
	};
	const dateMethod = (name, required, defaults) => ({
		[name](locales, options) {
			const t = Date.prototype.getTime.call(this);
			if (Number.isNaN(t)) return "Invalid Date";
			return formatter(name, (tags, o) => makeDate(tags, o, required, defaults), locales, options).format(t);
		},
	});
	const casing = (name, upper) => ({
		[name](locales) {
			if (this === undefined || this === null) throw new TypeError(`String.prototype.${name} called on null or undefined`);
			return native.casing(String(this), tagsOf(locales), upper);
		},
	});
	const listMethod = {
		toLocaleString(locales, options) {
			const list = Object(this);
			const length = Math.min(Math.max(Math.trunc(Number(list.length)) || 0, 0), 2 ** 24);
			const out = [];
			for (let i = 0; i < length; i++) {
				const item = list[i];
				out.push(item === undefined || item === null ? "" : String(item.toLocaleString(locales, options)));
			}
			return out.join(",");
		},
	};
	const methods = {
		number: {
			toLocaleString(locales, options) {
				const value = Number.prototype.valueOf.call(this);
				return formatter("number", makeNumber, locales, options).format(value);
			},
		},
		bigint: {
			toLocaleString(locales, options) {
				const value = BigInt.prototype.valueOf.call(this);
				return formatter("number", makeNumber, locales, options).format(String(value));
			},
		},
		date: {
			...dateMethod("toLocaleString", "any", "all"),
			...dateMethod("toLocaleDateString", "date", "date"),
			...dateMethod("toLocaleTimeString", "time", "time"),
		},
		string: {
			...casing("toLocaleLowerCase", false),
			...casing("toLocaleUpperCase", true),
			localeCompare(that, locales, options) {
				if (this === undefined || this === null) throw new TypeError("String.prototype.localeCompare called on null or undefined");
				return formatter("collator", makeCollator, locales, options).compare(String(this), String(that));
			},
		},
	};
	Object.defineProperty(methods.string.localeCompare, "length", { value: 1, configurable: true });
	for (const kind of Object.keys(methods)) {
		for (const name of Object.keys(methods[kind])) {
			if (name !== "localeCompare") Object.defineProperty(methods[kind][name], "length", { value: 0, configurable: true });
		}
	}
	const install = () => {
		methodsOf(Number.prototype, methods.number);
		methodsOf(BigInt.prototype, methods.bigint);
		methodsOf(Date.prototype, methods.date);
		methodsOf(String.prototype, methods.string);
		methodsOf(Array.prototype, listMethod);
		methodsOf(Object.getPrototypeOf(Uint8Array.prototype), listMethod);
	};
	return { Intl, install };
})
