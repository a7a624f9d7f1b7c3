package wire

// Problem is an RFC 9457 problem+json body with Hadron's stable code.
type Problem struct {
	Type   string  `json:"type,omitempty"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail,omitempty"`
	Code   string  `json:"code"`
	Line   int     `json:"line,omitempty"`   // of the author's file, from 1
	Column int     `json:"column,omitempty"` // from 1
	File   string  `json:"file,omitempty"`
	Frame  string  `json:"frame,omitempty"` // the source lines around it
	Stack  []Frame `json:"stack,omitempty"`
}

// Error makes a Problem usable as a Go error: its detail, or its title.
func (p *Problem) Error() string {
	if p.Detail != "" {
		return p.Detail
	}
	return p.Title
}

// ProblemType is the media type of a Problem.
const ProblemType = "application/problem+json"
