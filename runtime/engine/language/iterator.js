(function () {
	const prototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
	const end = {};

	function Iterator() {
		if (new.target === undefined || new.target === Iterator) throw new TypeError("Abstract class Iterator not directly constructable");
	}
	Object.defineProperty(Iterator, "prototype", { value: prototype, writable: false, enumerable: false, configurable: false });

	const isObject = (v) => (typeof v === "object" && v !== null) || typeof v === "function";

	const self = (v, method) => {
		if (!isObject(v)) throw new TypeError(`Iterator.prototype.${method} called on non-object`);
		return v;
	};
	// close ends an iterator; what goes wrong then is the caller's.
	const close = (iterator) => {
		const method = iterator.return;
		if (method === undefined || method === null) return;
		if (!isObject(method.call(iterator))) throw new TypeError("the result of an iterator's return is not an object");
	};
	// fail ends an iterator because of an error, which is what counts.
	const fail = (iterator, error) => {
		try {
			const method = iterator.return;
			if (method !== undefined && method !== null) method.call(iterator);
		} catch {}
		throw error;
	};
	const callable = (fn, iterator) => {
		if (typeof fn !== "function") fail(iterator, new TypeError(`${typeof fn === "symbol" ? "a symbol" : String(fn)} is not a function`));
	};
	const direct = (iterator) => ({ iterator, next: iterator.next });
	const step = (record) => {
		const result = record.next.call(record.iterator);
		if (!isObject(result)) throw new TypeError(`Iterator result ${String(result)} is not an object`);
		return result;
	};
	const pull = (record) => {
		const result = step(record);
		return result.done ? end : result.value;
	};
	const limitOf = (limit, iterator) => {
		let n;
		try {
			n = Number(limit);
		} catch (error) {
			fail(iterator, error);
		}
		if (Number.isNaN(n)) fail(iterator, new RangeError(`${String(limit)} must be positive`));
		n = Math.trunc(n);
		if (n < 0) fail(iterator, new RangeError(`${String(limit)} must be positive`));
		return n;
	};

	const helpers = new WeakMap();
	const helperOf = (v, method) => {
		const state = isObject(v) ? helpers.get(v) : undefined;
		if (state === undefined) throw new TypeError(`Iterator Helper.prototype.${method} called on what is no Iterator Helper`);
		if (state.running) throw new TypeError("Generator is already running");
		return state;
	};
	const helperPrototype = Object.create(prototype);
	const helperMethods = {
		next() {
			const state = helperOf(this, "next");
			if (state.done) return { value: undefined, done: true };
			state.running = true;
			try {
				const value = state.produce();
				if (value === end) {
					state.done = true;
					return { value: undefined, done: true };
				}
				return { value, done: false };
			} catch (error) {
				state.done = true;
				throw error;
			} finally {
				state.running = false;
			}
		},
		return() {
			const state = helperOf(this, "return");
			if (!state.done) {
				state.done = true;
				if (state.inner) {
					try {
						close(state.inner);
					} catch (error) {
						fail(state.outer, error);
					}
				}
				close(state.outer);
			}
			return { value: undefined, done: true };
		},
	};
	const helper = (outer, makeProduce) => {
		const it = Object.create(helperPrototype);
		const state = { outer, inner: null, produce: null, done: false, running: false };
		state.produce = makeProduce(state);
		helpers.set(it, state);
		return it;
	};
	// flattenable is the record of what a value iterates over.
	const flattenable = (v, strings) => {
		if (!isObject(v) && !(strings && typeof v === "string")) throw new TypeError(`${String(v)} is not an object`);
		const method = v[Symbol.iterator];
		if (method === undefined || method === null) return direct(v);
		const iterator = method.call(v);
		if (!isObject(iterator)) throw new TypeError(`${String(iterator)} is not an object`);
		return direct(iterator);
	};

	const methods = {
		map(mapper) {
			const it = self(this, "map");
			callable(mapper, it);
			const record = direct(it);
			let n = 0;
			return helper(it, () => () => {
				const value = pull(record);
				if (value === end) return end;
				try {
					return mapper(value, n++);
				} catch (error) {
					fail(it, error);
				}
			});
		},
		filter(predicate) {
			const it = self(this, "filter");
			callable(predicate, it);
			const record = direct(it);
			let n = 0;
			return helper(it, () => () => {
				for (;;) {
					const value = pull(record);
					if (value === end) return end;
					let keep;
					try {
						keep = predicate(value, n++);
					} catch (error) {
						fail(it, error);
					}
					if (keep) return value;
				}
			});
		},
		take(limit) {
			const it = self(this, "take");
			let left = limitOf(limit, it);
			const record = direct(it);
			return helper(it, () => () => {
				if (left === 0) {
					close(it);
					return end;
				}
				left--;
				return pull(record);
			});
		},
		drop(limit) {
			const it = self(this, "drop");
			let left = limitOf(limit, it);
			const record = direct(it);
			return helper(it, () => () => {
				for (; left > 0; left--) {
					if (step(record).done) return end;
				}
				return pull(record);
			});
		},
		flatMap(mapper) {
			const it = self(this, "flatMap");
			callable(mapper, it);
			const record = direct(it);
			let n = 0;
			let inner = null;
			return helper(it, (state) => () => {
				for (;;) {
					if (inner === null) {
						const value = pull(record);
						if (value === end) return end;
						try {
							inner = flattenable(mapper(value, n++), false);
							state.inner = inner.iterator;
						} catch (error) {
							fail(it, error);
						}
					}
					let value;
					try {
						value = pull(inner);
					} catch (error) {
						state.inner = null;
						fail(it, error);
					}
					if (value !== end) return value;
					inner = state.inner = null;
				}
			});
		},
		reduce(reducer) {
			const it = self(this, "reduce");
			callable(reducer, it);
			const record = direct(it);
			let total = arguments[1];
			let n = 0;
			if (arguments.length < 2) {
				total = pull(record);
				if (total === end) throw new TypeError("Reduce of a done iterator with no initial value");
				n = 1;
			}
			for (;;) {
				const value = pull(record);
				if (value === end) return total;
				try {
					total = reducer(total, value, n++);
				} catch (error) {
					fail(it, error);
				}
			}
		},
		toArray() {
			const record = direct(self(this, "toArray"));
			const list = [];
			for (;;) {
				const value = pull(record);
				if (value === end) return list;
				list[list.length] = value;
			}
		},
		forEach(fn) {
			const it = self(this, "forEach");
			callable(fn, it);
			const record = direct(it);
			for (let n = 0; ; n++) {
				const value = pull(record);
				if (value === end) return;
				try {
					fn(value, n);
				} catch (error) {
					fail(it, error);
				}
			}
		},
		some(predicate) {
			const it = self(this, "some");
			callable(predicate, it);
			return search(it, predicate, false, (found) => (found ? true : end));
		},
		every(predicate) {
			const it = self(this, "every");
			callable(predicate, it);
			return search(it, predicate, true, (found) => (found ? end : false));
		},
		find(predicate) {
			const it = self(this, "find");
			callable(predicate, it);
			return search(it, predicate, undefined, (found, value) => (found ? { value } : end), true);
		},
	};
	// search asks until judge gives an answer, and ends the iterator then.
	const search = (it, predicate, otherwise, judge, boxed) => {
		const record = direct(it);
		for (let n = 0; ; n++) {
			const value = pull(record);
			if (value === end) return otherwise;
			let answer;
			try {
				answer = judge(predicate(value, n), value);
			} catch (error) {
				fail(it, error);
			}
			if (answer !== end) {
				close(it);
				return boxed ? answer.value : answer;
			}
		}
	};

	const wrapPrototype = Object.create(prototype);
	const wraps = new WeakMap();
	const wrapMethods = {
		next() {
			const record = wraps.get(this);
			return record.next.call(record.iterator);
		},
		return() {
			const { iterator } = wraps.get(this);
			const method = iterator.return;
			if (method === undefined || method === null) return { value: undefined, done: true };
			return method.call(iterator);
		},
	};
	const statics = {
		from(value) {
			const record = flattenable(value, true);
			if (prototype.isPrototypeOf(record.iterator)) return record.iterator;
			const it = Object.create(wrapPrototype);
			wraps.set(it, record);
			return it;
		},
	};

	const define = (target, members) => {
		for (const name of Object.keys(members)) {
			Object.defineProperty(target, name, { value: members[name], writable: true, enumerable: false, configurable: true });
		}
	};
	define(prototype, methods);
	define(prototype, { constructor: Iterator });
	define(helperPrototype, helperMethods);
	define(wrapPrototype, wrapMethods);
	define(Iterator, statics);
	Object.defineProperty(prototype, Symbol.toStringTag, { value: "Iterator", writable: true, enumerable: false, configurable: true });
	Object.defineProperty(helperPrototype, Symbol.toStringTag, { value: "Iterator Helper", configurable: true });
	return Iterator;
})()
