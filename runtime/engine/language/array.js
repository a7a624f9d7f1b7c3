({
	fromAsync(items) {
		const Class = this;
		const map = arguments[1];
		const that = arguments[2];
		const at = (list, index, value) =>
			Object.defineProperty(list, index, { value, writable: true, enumerable: true, configurable: true });
		return (async () => {
			if (map !== undefined && typeof map !== "function") throw new TypeError("the second argument of Array.fromAsync is not a function");
			if (items === undefined || items === null) throw new TypeError("Array.fromAsync called on null or undefined");
			const make = (...args) => (typeof Class === "function" && Class.prototype ? new Class(...args) : new Array(...args));
			const asyncMethod = items[Symbol.asyncIterator];
			const method = asyncMethod ?? items[Symbol.iterator];
			if (method === undefined || method === null) {
				const length = Math.min(Math.max(Math.trunc(Number(items.length)) || 0, 0), Number.MAX_SAFE_INTEGER);
				const list = make(length);
				for (let i = 0; i < length; i++) {
					let value = await items[i];
					if (map) value = await map.call(that, value, i);
					at(list, i, value);
				}
				list.length = length;
				return list;
			}
			if (typeof method !== "function") throw new TypeError("what Array.fromAsync is given is not iterable");
			const waits = asyncMethod !== undefined && asyncMethod !== null;
			const list = make();
			const iterator = method.call(items);
			if (Object(iterator) !== iterator) throw new TypeError("an iterator is not an object");
			const next = iterator.next;
			for (let i = 0; ; i++) {
				let result = next.call(iterator);
				if (waits) result = await result;
				if (Object(result) !== result) throw new TypeError(`iterator result ${String(result)} is not an object`);
				if (result.done) {
					list.length = i;
					return list;
				}
				try {
					let value = result.value;
					if (!waits) value = await value;
					if (map) value = await map.call(that, value, i);
					at(list, i, value);
				} catch (error) {
					try {
						const end = iterator.return?.();
						if (waits) await end;
					} catch {}
					throw error;
				}
			}
		})();
	},
})
