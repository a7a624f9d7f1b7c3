package worker

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// The marker that starts this program as a worker, and what it inherits.
const (
	Marker   = "worker"
	socketFD = 3
	statusFD = 4
)

// Self is the command that starts the running program as a worker: this very file,
// also where another one was put into its place since.
func Self() ([]string, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program's file: %w", err)
	}
	name := filepath.Base(path)
	if selfPath != "" {
		path = selfPath
	}
	return []string{path, name, Marker}, nil
}

// spawned is a process that was started and has said nothing yet.
type spawned struct {
	cmd    *exec.Cmd
	conn   *net.UnixConn
	page   *page
	stderr *tail
	exited chan struct{} // closed once cmd's state is known
}

// spawn starts one worker. command is the file, its argv[0], and the arguments.
func spawn(command []string, warn func(string)) (_ *spawned, err error) {
	var closers []io.Closer
	defer func() {
		for _, c := range closers {
			c.Close()
		}
	}()
	ours, theirs, err := socketpair()
	if err != nil {
		return nil, err
	}
	closers = append(closers, ours, theirs)
	status, err := pageFile()
	if err != nil {
		return nil, err
	}
	closers = append(closers, status)
	shared, err := openPage(status)
	if err != nil {
		return nil, err
	}
	conn, err := net.FileConn(ours) // a copy of the descriptor
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open socket: %w", err), shared.close())
	}
	errs, stderr, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open pipe: %w", err), shared.close(), conn.Close())
	}
	closers = append(closers, stderr)
	cmd := &exec.Cmd{
		Path: command[0], Args: command[1:], Env: []string{}, Dir: "/", Stderr: stderr,
		ExtraFiles:  []*os.File{theirs, status}, // socketFD and statusFD
		SysProcAttr: processAttr(),
	}
	if err := cmd.Start(); err != nil {
		errs.Close()
		return nil, errors.Join(fmt.Errorf("start worker: %w", err), shared.close(), conn.Close())
	}
	s := &spawned{cmd: cmd, conn: conn.(*net.UnixConn), page: shared, stderr: &tail{r: errs, done: make(chan struct{}), warn: warn}, exited: make(chan struct{})}
	go s.stderr.read()
	go func() {
		defer close(s.exited)
		_ = cmd.Wait() // what it was is in ProcessState
	}()
	return s, nil
}

func socketpair() (ours, theirs *os.File, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make socketpair: %w", err)
	}
	syscall.CloseOnExec(fds[0])
	syscall.CloseOnExec(fds[1])
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("make socketpair: %w", err), syscall.Close(fds[0]), syscall.Close(fds[1]))
	}
	return os.NewFile(uintptr(fds[0]), "worker"), os.NewFile(uintptr(fds[1]), "server"), nil
}

// kill ends the process, whatever it does.
func (s *spawned) kill() { _ = s.cmd.Process.Kill() } // an error says that it has ended

// release frees what the process had here, once it has ended.
func (s *spawned) release() {
	<-s.exited
	<-s.stderr.done
	_ = s.conn.Close()
	_ = s.page.close()
}

// tail reads what a worker says on stderr: warnings of its engine, which go to the
// log, and at a fatal error the reason, which is kept.
type tail struct {
	r    *os.File
	done chan struct{}
	warn func(line string)

	mu   sync.Mutex
	kept []byte
}

const (
	maxTail  = 16 << 10
	maxLine  = 2 << 10
	maxLines = 1000 // that one worker may have logged
)

// fatal begins what Go's runtime writes when it ends the process.
var fatal = [][]byte{[]byte("fatal error: "), []byte("runtime: "), []byte("panic: "), []byte("SIG"), []byte("==")}

func (t *tail) read() {
	defer close(t.done)
	defer t.r.Close()
	lines, dying := 0, false
	for in := bufio.NewReaderSize(t.r, maxLine); ; {
		line, err := in.ReadSlice('\n')
		for _, sign := range fatal {
			dying = dying || bytes.HasPrefix(line, sign)
		}
		switch {
		case dying:
			t.mu.Lock()
			t.kept = append(t.kept, line[:min(len(line), maxTail-len(t.kept))]...)
			t.mu.Unlock()
		case len(bytes.TrimSpace(line)) > 0 && lines < maxLines:
			lines++
			t.warn(strings.ToValidUTF8(string(bytes.TrimSpace(line)), "\ufffd"))
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

func (t *tail) text() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.kept)
}

// spawner starts processes from one thread that lives as long as they may: on Linux
// a child is tied to the thread that made it. The thread keeps the server's priority:
// what runs on it holds one of the turns of Go's scheduler, and whatever stops the
// world, as each collection of garbage does twice, waits for it. Its slice is the
// usual one, which children inherit: theirs is short once they are calm.
type spawner struct {
	jobs chan spawnJob
	done chan struct{}
}

type spawnJob struct {
	command []string
	warn    func(string)
	reply   chan<- spawnReply
}

type spawnReply struct {
	s   *spawned
	err error
}

func newSpawner(nice int) *spawner {
	sp := &spawner{jobs: make(chan spawnJob), done: make(chan struct{})}
	go func() {
		defer close(sp.done)
		lockThread()
		usualSlice()
		for j := range sp.jobs {
			s, err := spawn(j.command, j.warn)
			if err == nil {
				_ = groupNice(s.cmd.Process.Pid, nice) // lower, which is always allowed, or as it is
			}
			j.reply <- spawnReply{s, err}
		}
	}()
	return sp
}

func (sp *spawner) start(command []string, warn func(string)) (*spawned, error) {
	reply := make(chan spawnReply, 1)
	sp.jobs <- spawnJob{command, warn, reply}
	r := <-reply
	return r.s, r.err
}

// close ends the thread: no child may live any more.
func (sp *spawner) close() {
	close(sp.jobs)
	<-sp.done
}
