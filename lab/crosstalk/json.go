// A report as JSON, for programs.

package crosstalk

import "encoding/json"

// A Report is what [JSON] writes.
type Report struct {
	// Verdict is "crosstalk", "clean", "vacuous", "panic" or "error".
	Verdict string `json:"verdict"`
	// Error says why the check did not come to an end, or what the handler panicked
	// with, or why it proves nothing.
	Error string `json:"error,omitempty"`
	// Where, Excerpt, Schedule, Order and When are of the finding: the part of the
	// reply, the text around the canary, the schedule's name, who came in and went out,
	// and where the one was when the other came in.
	Where    string `json:"where,omitempty"`
	Excerpt  string `json:"excerpt,omitempty"`
	Schedule string `json:"schedule,omitempty"`
	Order    string `json:"order,omitempty"`
	When     string `json:"when,omitempty"`
	// OutlivesHandler: the data is of a user of an earlier instance.
	OutlivesHandler bool           `json:"outlives_handler,omitempty"`
	Schedules       int            `json:"schedules"`
	Requests        int            `json:"requests"`
	Replies         map[string]int `json:"replies"` // by status
	RealTime        bool           `json:"real_time"`
	Notes           []string       `json:"notes,omitempty"`
}

// writeJSON writes the report if that is asked for.
func (c *check) writeJSON(err error) error {
	if c.json == nil {
		return nil
	}
	r := Report{Verdict: "clean", Schedules: c.ran, Requests: c.asked, RealTime: c.realTime, Replies: map[string]int{}}
	switch {
	case err != nil:
		r.Verdict, r.Error = "error", err.Error()
		if abandoned(err) {
			break // what it counts may still change
		}
		r.Replies = c.replies
	case len(c.findings) > 0:
		f := *c.smallest
		r.Verdict, r.Where, r.Excerpt, r.Schedule = "crosstalk", f.where(), f.excerpt, f.run.plan.name
		r.Order, r.When, r.OutlivesHandler = f.run.order(), f.between(), !f.run.owns(f.whose)
	case c.trouble != "":
		r.Verdict, r.Error = "panic", c.trouble
	case c.vacuous() != "" && !c.allowVacuous:
		r.Verdict, r.Error = "vacuous", c.vacuous()
	}
	if err == nil {
		r.Replies, r.Notes = c.replies, c.notes()
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	_, err = c.json.Write(append(text, '\n'))
	return err
}
