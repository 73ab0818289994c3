// Command bailiwick is the coordination centre: one program with a table of
// subcommands.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"bailiwick/problem"

	"github.com/alecthomas/kong"
)

// cli is the table of subcommands.
type cli struct {
	Config string `help:"Configuration file (YAML)." type:"existingfile" placeholder:"FILE" env:"BAILIWICK_CONFIG"`
	Log    string `help:"Log level: debug, info, warn, error." default:"warn" enum:"debug,info,warn,error"`

	Demo       demoCmd       `cmd:"" help:"Run the lab and the centre together: abuse reports through their whole life, on loopback."`
	Serve      serveCmd      `cmd:"" help:"Run a centre. It sends nothing until you switch sending on."`
	Lab        labCmd        `cmd:"" help:"Run a small synthetic Internet on loopback, for 'serve --lab'."`
	Report     reportCmd     `cmd:"" help:"Submit reports to a running centre, or check them with --dry-run."`
	Parse      parseCmd      `cmd:"" help:"Read files and print what they say, without a server."`
	Lookup     lookupCmd     `cmd:"" help:"Look up who registered names, one by one or millions from a file; addresses and AS numbers, too."`
	Check      checkCmd      `cmd:"" help:"Check the registration data of names or files under a policy profile, field by field."`
	Accuracy   accuracyCmd   `cmd:"" help:"Count how accurate the registration data of a registry is, by TLD, registrar and month; what pages show of it."`
	Policy     policyCmd     `cmd:"" help:"Policy profiles: what contracts, laws and registries ask of registration data, with their sources."`
	Survey     surveyCmd     `cmd:"" help:"Survey how accurate registration data is: draw a sample, test it, estimate with intervals; go on after a stop."`
	Case       caseCmd       `cmd:"" help:"List, show and work cases."`
	Mail       mailCmd       `cmd:"" help:"List and show mails that came in; make a key that signs mail."`
	Disclosure disclosureCmd `cmd:"" help:"Requests for registration data that is not public: those you send and those you get."`
	Inaccuracy inaccuracyCmd `cmd:"" help:"Corrections of registration data: what fails, who is asked, what they answered."`
	Contact    contactCmd    `cmd:"" help:"Verify the contacts of registrations: by a code that comes back, or by evidence that a person saw."`
	Party      partyCmd      `cmd:"" help:"Whom to ask: the contact list, and how well contacts work."`
	User       userCmd       `cmd:"" help:"People, organisations, roles and API keys; the access log."`
	Verify     verifyCmd     `cmd:"" help:"Check an exported case log: its chain, its payloads and its signed head."`
	Sending    sendingCmd    `cmd:"" help:"Stop all sending, or let it go on."`
	Update     updateCmd     `cmd:"" help:"Refresh IANA's files of which RDAP server answers for what, or show which are in use."`
	Settings   settingsCmd   `cmd:"" help:"Print every configuration key with its default and meaning."`
}

// env is what a subcommand works with.
type env struct {
	ctx    context.Context
	out    io.Writer
	errs   io.Writer
	log    *slog.Logger
	config string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(program(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// errNegative ends a command whose answer is "no" with status 1, the answer
// having been printed.
var errNegative = errors.New("the answer is negative")

// program is the whole program but for the process: it gives the exit status
// (DESIGN section 7: 0 done, 1 the answer is negative, 2 usage, 3 failed).
func program(ctx context.Context, args []string, out, errs io.Writer) int {
	var c cli
	status := -1
	parser, err := kong.New(&c, kong.Name("bailiwick"),
		kong.Description("A coordination centre for domain-name abuse and for the accuracy of registration data."),
		kong.UsageOnError(), kong.Writers(out, errs), kong.Exit(func(n int) { status = n }))
	if err != nil {
		fmt.Fprintln(errs, "bailiwick:", err)
		return 3
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if status >= 0 { // help was printed
		return status
	}
	if err != nil {
		fmt.Fprintln(errs, "bailiwick:", err)
		return 2
	}
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Log))
	e := &env{ctx: ctx, out: out, errs: errs, config: c.Config, log: slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: level}))}
	err = k.Run(e)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errNegative):
		return 1
	}
	fmt.Fprintln(errs, "bailiwick:", err)
	return problem.Exit(err)
}
