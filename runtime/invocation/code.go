// Package invocation holds what crosses between the gateway and whatever runs a
// function: requests, responses, outcomes and log records, as bytes and plain
// values. It is a leaf: a worker process can stand behind it.
package invocation

import "net/http"

// Code is the stable word for how an invocation ended. It is the "code" of a
// problem+json answer and the label code of faas_errors_total.
type Code string

// The outcomes of an invocation that reached a function.
const (
	OK            Code = "ok"
	FunctionError Code = "function_error"
	Timeout       Code = "timeout"
	CPULimit      Code = "cpu_limit"
	MemoryLimit   Code = "memory_limit"
	WorkerLost    Code = "worker_lost"
	HTTP5xx       Code = "http_5xx"      // the function answered 500 or more itself
	ClientClosed  Code = "client_closed" // the client left first; not an error
)

// The refusals before a function is called.
const (
	FunctionNotFound   Code = "function_not_found"
	FunctionOverloaded Code = "overloaded"      // a function's or team's limit: 429
	NodeOverloaded     Code = "node_overloaded" // the node's own limit; answered as overloaded with 503
	BodyTooLarge       Code = "body_too_large"
	HeadersTooLarge    Code = "headers_too_large"
	Unauthorized       Code = "unauthorized"
	Forbidden          Code = "forbidden"
	LoopDetected       Code = "loop_detected" // functions call one another too deep
)

// Status is the HTTP status that Hadron answers with this code.
func (c Code) Status() int {
	switch c {
	case OK:
		return http.StatusOK
	case Timeout, CPULimit:
		return http.StatusGatewayTimeout
	case MemoryLimit:
		return http.StatusInsufficientStorage
	case WorkerLost:
		return http.StatusBadGateway
	case FunctionNotFound:
		return http.StatusNotFound
	case FunctionOverloaded:
		return http.StatusTooManyRequests
	case NodeOverloaded:
		return http.StatusServiceUnavailable
	case BodyTooLarge:
		return http.StatusRequestEntityTooLarge
	case HeadersTooLarge:
		return http.StatusRequestHeaderFieldsTooLarge
	case Unauthorized:
		return http.StatusUnauthorized
	case Forbidden:
		return http.StatusForbidden
	case LoopDetected:
		return http.StatusLoopDetected
	case ClientClosed:
		return 499 // nginx's, since HTTP has none; never seen by a client
	default:
		return http.StatusInternalServerError
	}
}

// Public is the code as clients see it.
func (c Code) Public() string {
	if c == NodeOverloaded {
		return string(FunctionOverloaded)
	}
	return string(c)
}

// IsError reports whether an invocation that ended so counts against the
// function's objectives.
func (c Code) IsError() bool {
	switch c {
	case FunctionError, Timeout, CPULimit, MemoryLimit, WorkerLost, HTTP5xx:
		return true
	default:
		return false
	}
}
