(function () {
	// A registry may never call back, says the specification; this one never does.
	const registries = new WeakMap();
	function FinalizationRegistry(cleanup) {
		if (new.target === undefined) throw new TypeError("Constructor FinalizationRegistry requires 'new'");
		if (typeof cleanup !== "function") throw new TypeError("FinalizationRegistry: cleanup must be callable");
		registries.set(this, new WeakSet());
	}
	const tokens = (registry, method) => {
		const known = registries.get(registry);
		if (known === undefined) throw new TypeError(`FinalizationRegistry.prototype.${method} called on what is no FinalizationRegistry`);
		return known;
	};
	const held = (v) => Object(v) === v || (typeof v === "symbol" && Symbol.keyFor(v) === undefined);
	const methods = {
		register(target, value) {
			const known = tokens(this, "register");
			if (!held(target)) throw new TypeError("FinalizationRegistry.prototype.register: invalid target");
			if (target === value) throw new TypeError("FinalizationRegistry.prototype.register: target and holdings must not be same");
			const token = arguments[2];
			if (token === undefined) return;
			if (!held(token)) throw new TypeError("FinalizationRegistry.prototype.register: invalid unregister token");
			if (typeof token === "object" || typeof token === "function") known.add(token);
		},
		unregister(token) {
			const known = tokens(this, "unregister");
			if (!held(token)) throw new TypeError("Invalid unregisterToken");
			return (typeof token === "object" || typeof token === "function") && known.delete(token);
		},
	};
	Object.defineProperty(FinalizationRegistry, "prototype", { writable: false });
	for (const name of ["register", "unregister"]) {
		Object.defineProperty(FinalizationRegistry.prototype, name, { value: methods[name], writable: true, configurable: true });
	}
	Object.defineProperty(FinalizationRegistry.prototype, Symbol.toStringTag, { value: "FinalizationRegistry", configurable: true });
	return FinalizationRegistry;
})()
