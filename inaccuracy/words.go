package inaccuracy

import "bailiwick/rulebook"

// Words are codes with what they mean.
type Words = rulebook.Words

var answers = Words{
	{Code: string(Received), Means: "received, no answer yet"},
	{Code: string(SaidCorrect), Means: "the data is corrected"},
	{Code: string(SaidRight), Means: "verified: the data is right"},
	{Code: string(NotReached), Means: "the registrant could not be reached"},
	{Code: string(SaidHeld), Means: "the name is suspended"},
	{Code: string(SaidNo), Means: "nothing will be done"},
	{Code: string(NotTheirs), Means: "the name is not at this registrar or registry"},
}

// Answers are what may be answered to an ask.
func Answers() Words { return answers.Clone() }

var outcomes = Words{
	{Code: string(WasCorrected), Means: "corrected: the same checks pass"},
	{Code: string(WasRight), Means: "verified as right by the registrar"},
	{Code: string(WasHeld), Means: "the name is suspended"},
	{Code: string(WasGone), Means: "the name is not registered any more"},
	{Code: string(Mistaken), Means: "the finding was wrong, or opened by mistake"},
	{Code: string(Referred), Means: "taken to an authority by a person"},
	{Code: string(Unresolved), Means: "asked, and nothing came of it"},
}

// Outcomes are how a case may end.
func Outcomes() Words { return outcomes.Clone() }
