package engine

// Watcher is what an invocation.Writer may be besides: then it is told what happens
// to the VM of its call, from any goroutine.
type Watcher interface {
	// Started is called when a VM begins with the call, before any code of the
	// function runs for it.
	Started()
	// Stuck is called when the VM could not be stopped in time and was left to
	// itself. It may precede or follow Invoke's return.
	Stuck()
	// Freed is called when the VM is done with the call, also after Stuck.
	Freed()
}

func (c *call) watcher() Watcher {
	w, _ := c.writer.(Watcher)
	return w
}
