package packtest

import (
	"encoding/xml"
	"fmt"
	"io"
)

// The parts of the JUnit format that build servers agree on.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr,omitempty"`
		Line    int           `xml:"line,attr,omitempty"`
		Failure *junitMessage `xml:"failure"`
		Skipped *junitMessage `xml:"skipped"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",cdata"`
	}
)

// Unread is a folder whose tests could not be run, and why.
type Unread struct {
	Dir string
	Err error
}

// WriteJUnit writes the reports as a JUnit file. A gap of coverage is a skipped test: one that nobody has written. A pack that could
// not be read is a failed one: who reads the file alone must not take it for sound.
func WriteJUnit(w io.Writer, reports []*Report, unread []Unread) error {
	var all junitSuites
	for _, u := range unread {
		failed := junitCase{Name: "the pack can be read", Class: u.Dir, Failure: &junitMessage{Message: "it has mistakes", Text: u.Err.Error()}}
		all.Suites = append(all.Suites, junitSuite{Name: u.Dir, Tests: 1, Failures: 1, Cases: []junitCase{failed}})
		all.Tests, all.Failures = all.Tests+1, all.Failures+1
	}
	for _, r := range reports {
		suite := junitSuite{Name: r.Suite.Dir, Failures: r.Failed, Skipped: len(r.Gaps)}
		for _, x := range r.Results {
			file := r.Suite.Dir + "/" + x.Test.File
			c := junitCase{Name: x.Test.Name, Class: file, File: file, Line: x.Test.Pos.Line}
			if x.Failed() {
				c.Failure = &junitMessage{Message: fmt.Sprintf("%d of what was expected or came", len(x.Failures))}
				for i := range x.Failures {
					c.Failure.Text += r.Suite.explain(x, &x.Failures[i])
				}
			}
			suite.Cases = append(suite.Cases, c)
		}
		for _, x := range r.Cases {
			file := r.Suite.Dir + "/" + x.Test.File
			c := junitCase{Name: x.Test.Name, Class: file, File: file, Line: x.Test.Pos.Line}
			if x.Failed() {
				c.Failure = &junitMessage{Message: fmt.Sprintf("%d of what was expected or came", len(x.Failures))}
				for i := range x.Failures {
					c.Failure.Text += x.Explain(&x.Failures[i])
				}
			}
			suite.Cases = append(suite.Cases, c)
		}
		for _, d := range r.Gaps {
			suite.Cases = append(suite.Cases, junitCase{Name: d.Message, Class: d.Path, File: d.Path, Line: d.Line, Skipped: &junitMessage{Message: d.Code}})
		}
		suite.Tests = len(suite.Cases)
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Suites = append(all.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}
