(function () {
	// The specification allows a target to live for ever; here it lives as long as its reference.
	const targets = new WeakMap();
	function WeakRef(target) {
		if (new.target === undefined) throw new TypeError("Constructor WeakRef requires 'new'");
		if (Object(target) !== target && !(typeof target === "symbol" && Symbol.keyFor(target) === undefined)) {
			throw new TypeError("WeakRef: the target is not an object");
		}
		targets.set(this, { target });
	}
	Object.defineProperty(WeakRef, "prototype", { writable: false });
	const methods = {
		deref() {
			const held = targets.get(this);
			if (held === undefined) throw new TypeError("WeakRef.prototype.deref called on what is no WeakRef");
			return held.target;
		},
	};
	Object.defineProperty(WeakRef.prototype, "deref", { value: methods.deref, writable: true, configurable: true });
	Object.defineProperty(WeakRef.prototype, Symbol.toStringTag, { value: "WeakRef", configurable: true });
	return WeakRef;
})()
