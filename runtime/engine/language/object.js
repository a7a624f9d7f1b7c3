({
	groupBy(items, callback) {
		if (items === undefined || items === null) throw new TypeError("Object.groupBy called on null or undefined");
		if (typeof callback !== "function") throw new TypeError("the callback of Object.groupBy is not a function");
		const groups = { __proto__: null };
		let index = 0;
		for (const item of items) {
			let key = callback(item, index++);
			if (typeof key !== "symbol") key = `${key}`;
			const group = groups[key];
			if (group === undefined) groups[key] = [item];
			else group[group.length] = item;
		}
		return groups;
	},
})
