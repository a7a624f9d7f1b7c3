// WeakMap and WeakSet whose values live by their keys: goja's hold a value by the
// map, so that one that refers to its key keeps both for ever. A key carries its
// table in a private field, which every object takes, frozen ones and proxies too,
// and nothing sees. What takes none, the platform's own, is kept in goja's.
(function (NativeWeakMap, newMap, newTable, read, write, remove) {
	"use strict";
	const call = Function.prototype.call.bind(Function.prototype.call);
	const { get: find, set: keep } = NativeWeakMap.prototype;
	const tables = new NativeWeakMap();
	class Given {
		constructor(object) {
			return object;
		}
	}
	class Key extends Given {
		#table = newTable();
		static table(key) {
			try {
				return #table in key ? key.#table : undefined;
			} catch {
				return call(find, tables, key); // a platform's object
			}
		}
		static make(key) {
			try {
				return new Key(key).#table;
			} catch {
				const table = newTable();
				call(keep, tables, key, table);
				return table;
			}
		}
	}
	const { table, make } = Key;
	const isObject = (v) => (typeof v === "object" && v !== null) || typeof v === "function";
	const lookUp = (map, key) => {
		const t = isObject(key) ? table(key) : undefined;
		return t === undefined ? undefined : read(map, t);
	};
	const put = (map, key, value) => {
		if (!isObject(key)) throw new TypeError("a primitive value cannot be a weak key");
		write(map, table(key) ?? make(key), value);
	};
	const drop = (map, key) => {
		const t = isObject(key) ? table(key) : undefined;
		return t !== undefined && remove(map, t);
	};
	const has = (map, key) => {
		const t = isObject(key) ? table(key) : undefined;
		return t !== undefined && read(map, t) !== undefined;
	};
	class WeakMap {
		#map = newMap();
		constructor(entries) {
			if (entries === undefined || entries === null) return;
			const set = this.set;
			if (typeof set !== "function") throw new TypeError("WeakMap.prototype.set is no function");
			for (const entry of entries) {
				if (!isObject(entry)) throw new TypeError("an entry of a WeakMap is no object");
				call(set, this, entry[0], entry[1]);
			}
		}
		get(key) {
			return lookUp(this.#map, key)?.[0];
		}
		set(key, value) {
			put(this.#map, key, [value]);
			return this;
		}
		has(key) {
			return has(this.#map, key);
		}
		delete(key) {
			return drop(this.#map, key);
		}
	}
	class WeakSet {
		#map = newMap();
		constructor(values) {
			if (values === undefined || values === null) return;
			const add = this.add;
			if (typeof add !== "function") throw new TypeError("WeakSet.prototype.add is no function");
			for (const value of values) call(add, this, value);
		}
		add(value) {
			put(this.#map, value, true);
			return this;
		}
		has(value) {
			return has(this.#map, value);
		}
		delete(value) {
			return drop(this.#map, value);
		}
	}
	for (const c of [WeakMap, WeakSet]) {
		Object.defineProperty(c.prototype, Symbol.toStringTag, { value: c.name, configurable: true });
		Object.defineProperty(c, "length", { value: 0, configurable: true });
	}
	return { WeakMap, WeakSet };
})
