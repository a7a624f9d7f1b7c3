package webapi

import (
	"strconv"
	"strings"
)

// urlRecord is a URL as the standard keeps it: serialised parts, the path with all
// its slashes.
type urlRecord struct {
	scheme      string
	username    string
	password    string
	host        string
	hasHost     bool
	port        int // -1: none, or that of the scheme
	path        string
	opaque      bool // the path is no list of segments
	query       string
	hasQuery    bool
	fragment    string
	hasFragment bool
}

// defaultPorts are those of the schemes that the standard calls special; file has
// none.
func defaultPort(scheme string) (port int, special bool) {
	switch scheme {
	case "http", "ws":
		return 80, true
	case "https", "wss":
		return 443, true
	case "ftp":
		return 21, true
	case "file":
		return -1, true
	}
	return -1, false
}

func (u *urlRecord) special() bool {
	_, ok := defaultPort(u.scheme)
	return ok
}

func (u *urlRecord) credentials() bool { return u.username != "" || u.password != "" }

// Href serialises the URL.
func (u *urlRecord) Href(withoutFragment bool) string {
	var b strings.Builder
	b.Grow(len(u.scheme) + len(u.host) + len(u.path) + len(u.query) + len(u.fragment) + 16)
	b.WriteString(u.scheme)
	b.WriteByte(':')
	if u.hasHost {
		b.WriteString("//")
		if u.credentials() {
			b.WriteString(u.username)
			if u.password != "" {
				b.WriteByte(':')
				b.WriteString(u.password)
			}
			b.WriteByte('@')
		}
		b.WriteString(u.host)
		if u.port >= 0 {
			b.WriteByte(':')
			b.WriteString(strconv.Itoa(u.port))
		}
	} else if !u.opaque && strings.HasPrefix(u.path, "//") {
		b.WriteString("/.")
	}
	b.WriteString(u.path)
	if u.hasQuery {
		b.WriteByte('?')
		b.WriteString(u.query)
	}
	if u.hasFragment && !withoutFragment {
		b.WriteByte('#')
		b.WriteString(u.fragment)
	}
	return b.String()
}

// Scheme is the scheme without its colon.
func (u *urlRecord) Scheme() string { return u.scheme }

// Protocol is the scheme with its colon.
func (u *urlRecord) Protocol() string { return u.scheme + ":" }

// Username is the user's name, percent-encoded.
func (u *urlRecord) Username() string { return u.username }

// Password is the password, percent-encoded.
func (u *urlRecord) Password() string { return u.password }

// Host is the host's name and its port where it has one.
func (u *urlRecord) Host() string {
	if u.port < 0 {
		return u.host
	}
	return u.host + ":" + strconv.Itoa(u.port)
}

// Hostname is the host's name.
func (u *urlRecord) Hostname() string { return u.host }

// Port is the port, or empty for the scheme's own.
func (u *urlRecord) Port() string {
	if u.port < 0 {
		return ""
	}
	return strconv.Itoa(u.port)
}

// Pathname is the path.
func (u *urlRecord) Pathname() string { return u.path }

// Search is the query behind its question mark, or empty.
func (u *urlRecord) Search() string {
	if u.query == "" {
		return ""
	}
	return "?" + u.query
}

// Query is the query without its question mark.
func (u *urlRecord) Query() string { return u.query }

// Hash is the fragment behind its sign, or empty.
func (u *urlRecord) Hash() string {
	if u.fragment == "" {
		return ""
	}
	return "#" + u.fragment
}

// The setters leave the URL alone where the standard does, and say nothing.

// SetProtocol sets the scheme.
func (u *urlRecord) SetProtocol(s string) { u.change(s+":", stateSchemeStart) }

func (u *urlRecord) bare() bool { return u.host == "" || u.scheme == "file" }

// SetUsername sets the user's name.
func (u *urlRecord) SetUsername(s string) {
	if !u.bare() {
		u.username = encode(s, setUserinfo)
	}
}

// SetPassword sets the password.
func (u *urlRecord) SetPassword(s string) {
	if !u.bare() {
		u.password = encode(s, setUserinfo)
	}
}

// SetHost sets the host's name, and the port if one is given.
func (u *urlRecord) SetHost(s string) {
	if !u.opaque {
		u.change(s, stateHost)
	}
}

// SetHostname sets the host's name.
func (u *urlRecord) SetHostname(s string) {
	if !u.opaque {
		u.change(s, stateHostname)
	}
}

// SetPort sets the port; an empty one is the scheme's.
func (u *urlRecord) SetPort(s string) {
	switch {
	case u.bare():
	case s == "":
		u.port = -1
	default:
		u.change(s, statePort)
	}
}

// SetPathname sets the path.
func (u *urlRecord) SetPathname(s string) {
	if !u.opaque {
		u.path = ""
		u.change(s, statePathStart)
	}
}

// SetSearch sets the query.
func (u *urlRecord) SetSearch(s string) {
	u.query, u.hasQuery = "", s != ""
	if s != "" {
		u.change(strings.TrimPrefix(s, "?"), stateQuery)
	}
}

// SetHash sets the fragment.
func (u *urlRecord) SetHash(s string) {
	u.fragment, u.hasFragment = "", s != ""
	if s != "" {
		u.change(strings.TrimPrefix(s, "#"), stateFragment)
	}
}

// change parses a part in its place; what is malformed changes nothing.
func (u *urlRecord) change(s string, in urlState) {
	p := urlParser{url: *u, in: withoutBreaks(s), override: true}
	if p.run(in) == nil {
		*u = p.url
	}
}

// shorten takes the last segment off the path, but for a drive of Windows.
func (u *urlRecord) shorten() {
	if u.scheme == "file" && len(u.path) == 3 && driveLetter(u.path[1:], true) {
		return
	}
	if at := strings.LastIndexByte(u.path, '/'); at >= 0 {
		u.path = u.path[:at]
	}
}

// driveLetter reports whether s is a letter and a colon, or a bar where it need not
// be normalised.
func driveLetter(s string, normal bool) bool {
	return len(s) == 2 && letter(s[0]) && (s[1] == ':' || !normal && s[1] == '|')
}

// startsWithDrive reports whether s begins with a drive and nothing that makes it
// part of a longer segment.
func startsWithDrive(s string) bool {
	return len(s) >= 2 && driveLetter(s[:2], false) && (len(s) == 2 || strings.IndexByte(`/\?#`, s[2]) >= 0)
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func digit(c byte) bool { return c >= '0' && c <= '9' }
