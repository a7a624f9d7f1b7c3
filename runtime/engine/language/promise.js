({
	withResolvers() {
		const Class = this;
		let resolve, reject;
		const promise = new Class((yes, no) => {
			resolve = yes;
			reject = no;
		});
		return { promise, resolve, reject };
	},
	try(callback, ...args) {
		const Class = this;
		if (Object(Class) !== Class) throw new TypeError("Promise.try called on what is no constructor");
		return new Class((resolve) => resolve(callback(...args)));
	},
})
