// The methods of arrays for what only looks like one. Its length may be anything, may
// change between two looks, and a native would go through all of it at a stretch;
// these are code, which an interrupt ends.
(function (Array, Object, most, refuse) {
	"use strict";
	const { defineProperty, is } = Object;
	const { isArray } = Array;
	const last = 2 ** 53 - 1;
	const whole = (v) => {
		v = +v;
		if (v !== v) return 0;
		return v === Infinity || v === -Infinity ? v : v - (v % 1);
	};
	const size = (o) => {
		const n = whole(o.length);
		return n > 0 ? (n < last ? n : last) : 0;
	};
	const from = (v, n) => {
		v = whole(v);
		return v < 0 ? (v + n > 0 ? v + n : 0) : v < n ? v : n;
	};
	const until = (v, n) => (v === undefined ? n : from(v, n));
	const callable = (f) => {
		if (typeof f !== "function") throw new TypeError(`${String(f)} is not a function`);
		return f;
	};
	const put = (list, at, value) => defineProperty(list, at, { value, writable: true, enumerable: true, configurable: true });
	const make = (n) => {
		if (n > most) refuse();
		const list = [];
		list.length = n;
		return list;
	};
	const object = (v) => {
		if (v === undefined || v === null) throw new TypeError("Cannot convert undefined or null to object");
		return Object(v);
	};
	const flatten = (into, o, n, depth) => {
		for (let i = 0; i < n; i++) {
			if (!(i in o)) continue;
			const v = o[i];
			if (depth > 0 && isArray(v)) flatten(into, v, size(v), depth - 1);
			else into.push(v);
		}
		return into;
	};
	const spreadable = (v) => {
		if (v === null || (typeof v !== "object" && typeof v !== "function")) return false;
		const s = v[Symbol.isConcatSpreadable];
		return s === undefined ? isArray(v) : !!s;
	};
	return {
		indexOf(x, start) {
			const o = object(this);
			const n = size(o);
			for (let i = n && from(start, n); i < n; i++) if (i in o && o[i] === x) return i;
			return -1;
		},
		includes(x, start) {
			const o = object(this);
			const n = size(o);
			for (let i = n && from(start, n); i < n; i++) {
				const v = o[i];
				if (v === x || (v !== v && x !== x)) return true;
			}
			return false;
		},
		join(separator) {
			const o = object(this);
			const n = size(o);
			const between = separator === undefined ? "," : `${separator}`;
			let text = "";
			for (let i = 0; i < n; i++) {
				if (i > 0) text += between;
				const v = o[i];
				if (v !== undefined && v !== null) text += `${v}`;
				if (text.length > most * 16) refuse();
			}
			return text;
		},
		fill(value, start, end) {
			const o = object(this);
			const n = size(o);
			const to = until(end, n);
			for (let i = from(start, n); i < to; i++) o[i] = value;
			return o;
		},
		slice(start, end) {
			const o = object(this);
			const n = size(o);
			const to = until(end, n);
			let at = from(start, n);
			const list = make(to > at ? to - at : 0);
			for (let i = 0; at < to; at++, i++) if (at in o) put(list, i, o[at]);
			return list;
		},
		concat(...items) {
			const list = [];
			let n = 0;
			for (const item of [object(this), ...items]) {
				if (!spreadable(item)) {
					put(list, n++, item);
					continue;
				}
				const many = size(item);
				if (n + many > most) refuse();
				for (let i = 0; i < many; i++, n++) if (i in item) put(list, n, item[i]);
			}
			list.length = n;
			return list;
		},
		sort(less) {
			if (less !== undefined) callable(less);
			const o = object(this);
			const n = size(o);
			const list = [];
			for (let i = 0; i < n; i++) if (i in o) list.push(o[i]);
			list.sort(less);
			for (let i = 0; i < list.length; i++) o[i] = list[i];
			for (let i = list.length; i < n; i++) delete o[i];
			return o;
		},
		toSorted(less) {
			if (less !== undefined) callable(less);
			const list = make(size(object(this)));
			for (let i = 0; i < list.length; i++) put(list, i, this[i]);
			return list.sort(less);
		},
		flat(depth) {
			const o = object(this);
			return flatten([], o, size(o), depth === undefined ? 1 : whole(depth));
		},
		// Of the class Array, which is this.
		from(items, map, that) {
			if (map !== undefined) callable(map);
			const o = object(items);
			const n = size(o);
			const list = this === Array ? make(n) : new this(n);
			for (let i = 0; i < n; i++) put(list, i, map ? map.call(that, o[i], i) : o[i]);
			list.length = n;
			return list;
		},
		// What apply and construct are to pass on, read once.
		list(o) {
			const n = size(o);
			if (n > 65536) refuse();
			const list = [];
			for (let i = 0; i < n; i++) put(list, i, o[i]);
			return list;
		},
		// The order of elements as text.
		texts() {
			return (a, b) => {
				const x = `${a}`;
				const y = `${b}`;
				return x < y ? -1 : x > y ? 1 : 0;
			};
		},
		// The order of a view's numbers: below 0 comes -0, and NaN is last.
		numbers() {
			return (a, b) => {
				if (a < b) return -1;
				if (a > b) return 1;
				if (a !== a) return b !== b ? 0 : 1;
				if (b !== b) return -1;
				return a === 0 && b === 0 ? (is(a, b) ? 0 : is(a, -0) ? -1 : 1) : 0;
			};
		},
	};
})
