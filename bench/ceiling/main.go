// Command ceiling is what Hadron is held against: a bare net/http handler that
// calls a function in a goja VM from a pool. There are no limits, measures, logs or
// routes, and of the web platform only what the measured functions touch. It is no
// server for anybody.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/dop251/goja"

	"hadron/runtime/project"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ceiling:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("ceiling", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0", "address")
	upstream := flags.String("upstream", "", "env.UPSTREAM of the function")
	if err := flags.Parse(args); err != nil {
		return err
	}
	program, err := compile(flags.Arg(0))
	if err != nil {
		return err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 512
	h := &handler{
		program: program, upstream: *upstream, client: &http.Client{Transport: transport},
		pool: make(chan *vm, 64),
	}
	server := &http.Server{Addr: *listen, Handler: h, ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}

// compile makes a script of a module, as Hadron does.
func compile(path string) (*goja.Program, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out, err := project.Build(context.Background(), project.Input{Source: string(source), Entry: filepath.Base(path)})
	if err != nil {
		return nil, err
	}
	return goja.Compile(path, "(function(exports,module){"+string(out.Code)+"\n})", false)
}

type handler struct {
	program  *goja.Program
	upstream string
	client   *http.Client
	pool     chan *vm
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	v, err := h.take()
	if err == nil {
		var answer string
		if answer, err = v.call(string(body)); err == nil {
			h.give(v)
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, answer)
			return
		}
	}
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

func (h *handler) take() (*vm, error) {
	select {
	case v := <-h.pool:
		return v, nil
	default:
		return newVM(h)
	}
}

func (h *handler) give(v *vm) {
	select {
	case h.pool <- v:
	default:
	}
}
