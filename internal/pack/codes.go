package pack

import "strings"

// The codes of diagnostics. A code never changes its meaning once it was released.
const (
	CodeSyntax     = "P001" // the file is not YAML
	CodeDuplicate  = "P002" // a key stands twice
	CodeUnknownKey = "P003" // a key that nothing reads
	CodeType       = "P004" // a list where a text should be, and the like
	CodeRequired   = "P005" // a required key is missing
	CodeValue      = "P006" // the value is of the right type but not allowed here
	CodeLanguage   = "P007" // YAML that is no part of the pack language: anchors, aliases, tags, several documents
	CodeFile       = "P008" // a file is missing or can't be read
	CodeText       = "P009" // a text lacks a language, or is empty
	CodeKeys       = "P010" // of several keys one must stand there, or only one may
	CodeReference  = "P011" // the name of something that the pack does not declare
	CodeLevel      = "P012" // not one of the levels
	CodeTemplate   = "P013" // a text uses a placeholder that nothing fills
	CodeTwice      = "P014" // two things have the same id
	CodeClash      = "P015" // two conditions hold at the same value that must not
	CodeOrder      = "P016" // a higher level holds where a lower one does not
	CodeUnread     = "P017" // a file that nothing reads
	CodeCondition  = "P020" // the condition is not CEL over the declared variables
	CodeNotBoolean = "P021" // the condition is not true or false
	CodeCost       = "P022" // the condition costs too much to evaluate
	CodeSeries     = "P023" // a series of readings in a test that can't be read
	CodeDecided    = "P024" // a condition, or a comparison in one, that never or always holds
	CodeCircle     = "P025" // rules that rest on each other in a circle, or on one that can't carry them
	CodePerson     = "P040" // it names an identifier of a person or of a person's device
	CodeReach      = "P050" // a state that no case can come into, or that none can leave for an end

	// Warnings.
	CodeUntested      = "P030" // a detector that no test names
	CodeUncovered     = "P031" // a level without one of the four sorts of test
	CodeReadme        = "P032" // no README.md
	CodeOneLanguage   = "P033" // a placeholder in one language only
	CodePunctuation   = "P034" // half-width punctuation in Chinese
	CodeWrongTongue   = "P035" // a text that is not in its language
	CodeUnit          = "P036" // a unit that is not known
	CodeUnmeasured    = "P037" // a property that no kind of asset measures
	CodeMeasuresNone  = "P038" // a kind that does not say what is measured on it
	CodeUnopened      = "P039" // a kind of case that is opened by alerts, and by none
	CodeUnheard       = "P060" // instruments of which nobody is told when they fall silent
	CodeFlaps         = "P061" // an alert that clears as soon as its level fails
	CodeUnused        = "P062" // a variable that nothing speaks of
	CodeOtherClear    = "P063" // it clears on other variables than those that raise it
	CodeNeverFrom     = "P064" // from a level that is never raised
	CodeSparse        = "P065" // a number over a span that may stay unknown without anybody being told
	CodeCalendarEnds  = "P066" // a calendar whose holidays are not known for much longer
	CodeUntestedCase  = "P067" // a kind of case that no test is about
	CodeUncoveredCase = "P068" // a move, a limit or an end of a kind of case that no test shows
	CodeScarce        = "P070" // the tasks of a response level take more of a resource than there is
	CodeUntitled      = "P071" // a post that no pack gives a title
)

// Explained is a code in words.
type Explained struct {
	Code    string
	Title   string // what is wrong, in a few words
	Meaning string // why it is refused or warned of
	Mend    string // what to do
}

// DocsPage is the page that has a section for each code, from the root of the repository.
const DocsPage = "docs/diagnostics.md"

// Anchor is the link to the section of a code.
func Anchor(code string) string { return DocsPage + "#" + strings.ToLower(code) }

// Codes explains each code, for `anlan pack explain` and the docs.
var Codes = []Explained{
	{CodeSyntax, "Not YAML", "The file is not YAML. Nothing else of the file can be read until it is.",
		"Look at the place, and at the line above it: often a bracket or a quote is not closed, or a line is indented differently from its neighbours. Indent with spaces, and write the half-width signs : and , and \". A text that begins with a sign such as %, @ or {, or has a colon and a space in it, needs quotes."},
	{CodeDuplicate, "A key twice", "A key stands twice in one mapping; YAML would silently keep one of them.",
		"Take one of them out, or give it the name that was meant."},
	{CodeUnknownKey, "Unknown key", "The key is not part of the pack language; a misspelt key would otherwise be a rule that never applies.",
		"Spell the key as docs/packs-reference.md does; an editor that reads the schema offers the keys that fit."},
	{CodeType, "Another type", "The value has another type than the key asks for.",
		"Write what the message asks for. A text that looks like a number needs quotes; a list stands in [ ] or on lines that begin with a dash; a duration has its unit, as in 10m."},
	{CodeRequired, "Required key missing", "A required key is missing.",
		"Add it. What it means stands in docs/packs-reference.md."},
	{CodeValue, "Value not allowed", "The value has the right type but is not one of those allowed here.",
		"Choose one of the values in the message."},
	{CodeLanguage, "YAML beyond the pack language", "Anchors, aliases, tags, merges and several documents in one file are no part of the pack language: what stands in a line must mean what it says without another line.",
		"Write the value out where it is used."},
	{CodeFile, "Unreadable file", "A file is missing or can't be read: it is not there, is larger than 1 MiB, or is not UTF-8.",
		"Every pack has a pack.yaml. Save all files as UTF-8."},
	{CodeText, "Text in one language", "A text for people needs both languages, en and zh-CN, and neither may be empty.",
		"Write {en: …, zh-CN: …}."},
	{CodeKeys, "Keys that exclude each other", "Of several keys one must stand there, or only one may.",
		"Keep the key that is meant and take the others out; or add one of those in the message."},
	{CodeReference, "Unknown name", "The name of a property, a kind or another thing that the pack does not declare.",
		"Correct the name, or declare the thing. What another pack declares is written pack/name. A case kind that no pack here has is a warning only: a pack that is not at hand may have it."},
	{CodeLevel, "Unknown level", "The levels are blue, yellow, orange and red, from the least to the most urgent.",
		"Choose one of the four. A level of a detector must be one that it raises."},
	{CodeTemplate, "Unfilled placeholder", "A text uses a placeholder that nothing fills; people would read the braces.",
		"Use one of the placeholders in the message."},
	{CodeTwice, "Same id twice", "Two things of the pack have the same id, so that one would hide the other.",
		"Give one of them another id."},
	{CodeClash, "Contradicting conditions", "Two conditions that exclude each other hold at the same value: an alert would be raised and cleared by the same reading.",
		"Leave a gap between them: what clears an alert should be well below what raises it, or the alert flaps."},
	{CodeOrder, "Levels out of order", "A higher level's condition holds at a value where a lower level's does not: what is worse would sound less bad.",
		"Make each level's condition include that of the level above it."},
	{CodeUnread, "A file that nothing reads", "The pack has a file that no part of Anlan reads; with a misspelt name, another ending than .yaml, or in a subfolder, all of its rules would silently not apply.",
		"Give the file one of the names in the message, in the pack's own folder, or take it out of the folder. Notes for people go to README.md."},
	{CodeCondition, "Condition not understood", "The condition does not compile as CEL over the variables that stand there.",
		"Compare a variable with a number: value >= 5. Join comparisons with && (and), || (or) and ! (not)."},
	{CodeNotBoolean, "Condition not true or false", "A condition must be true or false.",
		"Compare the value with something."},
	{CodeCost, "Condition too costly", "The condition could cost more than a detector may spend on one reading.",
		"Make it simpler, or part it into two detectors."},
	{CodeSeries, "Series not understood", "A series of readings in a test can't be read as 0x10 2+1x20 _x3 stale.",
		"Write readings parted by spaces: 5x10 is a 5 and ten more, 2+1x20 rises by 1 twenty times, 5~0.3x60 has noise, _ is a missing reading, stale an instrument that has stopped."},
	{CodeDecided, "Condition that never or always holds", "The pack says what values each property can have, and within these the condition, or one of its comparisons, always comes to the same: a rule that never speaks, an alert that never ends, or one that never stops. Often the limit is in another unit than the readings, centimetres beside metres.",
		"Write the limit in the property's unit, the one in the message; or mend the property's range in pack.yaml, if the world does reach further. Where the two parts of an and exclude each other, it is an or that is meant."},
	{CodeCircle, "Rules that rest on each other", "Rules that suppress each other in a circle would all rest once all their alerts stand: nobody is told of any. And a rule that joins others can join only rules that judge readings; the alert of another that joins would never count.",
		"Decide which of the alerts is the finding, and let only the others be suppressed by it. Join what the other rule joins, in its place."},
	{CodePerson, "A person's identifier", "Anlan watches places, assets and incidents, not people: what is observed, kept or sorted by must not be an identifier of a person or of a person's device.",
		"There is no way around it. Observe the place or the thing instead: the number of people on a platform, not who they are."},
	{CodeReach, "No way in or out of a state", "A state that no move leads to is a slip of the pen; one that no moves lead from to an end keeps a case open for ever.",
		"Add the move that is missing, or take the state out."},
	{CodeUntested, "Detector without a test", "No test file of the pack names the detector: nobody has seen it speak.",
		"Write a test that raises it, one just below, one that clears it, and one with missing data. See docs/pack-tests.md."},
	{CodeUncovered, "Level without a test", "Each level of a detector needs a test that raises it, one just below, one that clears it, and one with missing readings; and what the rule says of silent and stuck instruments needs one too. `anlan pack test` says which is missing; `anlan pack check` runs no tests.",
		"Add the test that the message names."},
	{CodeReadme, "No README", "The pack has no README.md: whoever is to trust it finds no word on what it is for, where its limits come from and how well they did.",
		"Write one: what the pack watches, on what instruments, the sources of its limits, the figures on recorded data, what it does not do."},
	{CodeOneLanguage, "Placeholder in one language", "A placeholder stands in one of the two languages only, so that readers of the other are told less.",
		"Put it into both, or into neither."},
	{CodePunctuation, "Half-width punctuation in Chinese", "Chinese text is set with full-width punctuation: ，。；：？！（）.",
		"Write the full-width sign."},
	{CodeWrongTongue, "Text in the other language", "The text is not in the language that it stands under.",
		"Translate it. Names that are the same in both languages may stay."},
	{CodeUnit, "Unknown unit", "The unit can't be read as UCUM or one of the spellings that are usual in this field. Readings in other units can't be converted into it.",
		"Use the spelling in the message, or that of https://ucum.org. A count has the unit 1."},
	{CodeUnmeasured, "Property that nothing measures", "No kind of asset measures the property, so that no reading of it can come in.",
		"Put it into the measures of a kind, or take it out."},
	{CodeMeasuresNone, "Kind that does not say what it measures", "The kind has no measures. If it was forgotten, nobody misses its readings.",
		"List what is measured; or write measures: [] where nothing is."},
	{CodeUnopened, "Case that no alert opens", "The kind of case is opened by alerts, but no detector of the packs here opens it.",
		"Name it under opens of a detector; or say opened_by: person or finding."},
	{CodeUnheard, "Silence that nobody is told of", "The rule judges instruments that no rule of the pack watches for silence: when one dies, the rule goes mute, or judges without it, and nobody is told. With watches, silent_after is required for the same reason.",
		"Give the rule silent_after, or another rule of the pack that judges the same property of the same kind of asset: one alert for each mute instrument is enough."},
	{CodeFlaps, "Alert that comes and goes", "The alert clears with the first reading at which its lowest level fails: nothing lies between the two conditions, and clear has no time. Readings that waver about the limit raise and clear it again and again.",
		"Let it clear well below what raises it, or give clear a time such as for: 10m; best both."},
	{CodeUnused, "Variable that nothing speaks of", "An input or a derived variable stands in no condition, in no other variable and not in because: it is judged by nobody. Often a condition was meant to name it.",
		"Use it, or take it out."},
	{CodeOtherClear, "Cleared by another variable", "The condition that clears the alert speaks of none of the variables that raise it: the alert may clear while what raised it goes on.",
		"Clear on what raises it, alone or together with the other."},
	{CodeNeverFrom, "From a level that is never raised", "It says from which level on something happens, and the detector never raises that level; it will happen from the next higher one on. Where the detector never raises a higher one either, it is an error.",
		"Name the lowest level that is meant, one of those that the detector raises."},
	{CodeSparse, "Unknown for good, and nobody is told", "A mean, lowest or highest of a span is known once readings speak for 75 % of it, and each speaks for every at most. An instrument that speaks more rarely never fills the span: what rests on it neither raises an alert nor clears one. Nobody is told as long as it is not silent for silent_after, which is more than six times every.",
		"If the instruments really speak more rarely, make every longer. Else make silent_after shorter, up to six times every, here or in another rule on the same property and kind."},
	{CodeCalendarEnds, "Calendar that ends", "The holidays of the calendar are announced for little longer than today, or no more. Beyond that it knows weekends only, so that a term across a holiday comes out too early.",
		"Enter the holidays of the next year once they are announced, and move the end of known."},
	{CodeUntestedCase, "Kind of case without a test", "No test in the pack is about the kind of case, so nobody has seen a case of it live to its end.",
		"Write one in a file that ends in _test.yaml; docs/cases.md shows how."},
	{CodeUncoveredCase, "Part of a kind of case without a test", "Each move of a kind needs a test in which it is made, and one for each reason for which it can be refused: the role, the second person, the guard, the evidence. Each limit needs one in which it passes, each end one that reaches it. `anlan pack test` says which is missing.",
		"Add the step that the message names; one test may do for many of them."},
	{CodeScarce, "More than there is", "The tasks of a response level together take more of a resource than its agency has ready: on the day, some of them would stand without.",
		"Raise the count if there is more, let a task take less, or leave a lower level's task out with without."},
	{CodeUntitled, "Post without a title", "A rule, a plan or a notice names a post that no pack here gives a title: people read its id on the board, in inboxes and in reports.",
		"Give it a title under posts in pack.yaml, {en: …, zh-CN: …}, or correct the id. The posts that many packs name are declared by the pack watch."},
}

// Explain is a code in words, nil where there is none of that name.
func Explain(code string) *Explained {
	for i := range Codes {
		if strings.EqualFold(Codes[i].Code, code) {
			return &Codes[i]
		}
	}
	return nil
}
