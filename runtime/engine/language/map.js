({
	groupBy(items, callback) {
		if (items === undefined || items === null) throw new TypeError("Map.groupBy called on null or undefined");
		if (typeof callback !== "function") throw new TypeError("the callback of Map.groupBy is not a function");
		const groups = new Map();
		let index = 0;
		for (const item of items) {
			const key = callback(item, index++);
			const group = groups.get(key);
			if (group === undefined) groups.set(key, [item]);
			else group[group.length] = item;
		}
		return groups;
	},
})
