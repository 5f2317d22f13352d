package pack

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
	CodeReference  = "P011" // the name of something that the pack does not declare
	CodeLevel      = "P012" // not one of the levels
	CodeTemplate   = "P013" // a text uses a placeholder that nothing fills
	CodeTwice      = "P014" // two things have the same id
	CodeClash      = "P015" // two conditions hold at the same value that must not
	CodeOrder      = "P016" // a higher level holds where a lower one does not
	CodeCondition  = "P020" // the condition is not CEL over the declared variables
	CodeNotBoolean = "P021" // the condition is not true or false
	CodeCost       = "P022" // the condition costs too much to evaluate
	CodePerson     = "P040" // it names an identifier of a person or of a person's device
)

// Codes explains each code in one sentence, for `anlan pack check` and the docs.
var Codes = []struct{ Code, Meaning string }{
	{CodeSyntax, "The file is not YAML: the parser's own words follow."},
	{CodeDuplicate, "A key stands twice in one mapping; YAML would silently keep one of them."},
	{CodeUnknownKey, "The key is not part of the pack language; a misspelt key would otherwise be a rule that never applies."},
	{CodeType, "The value has another type than the key asks for."},
	{CodeRequired, "A required key is missing."},
	{CodeValue, "The value has the right type but is not one of those allowed here."},
	{CodeLanguage, "Anchors, aliases, tags, merges and several documents in one file are no part of the pack language: what stands in a line must mean what it says without another line."},
	{CodeFile, "A file is missing or can't be read."},
	{CodeText, "A text for people needs both languages, en and zh-CN, and neither may be empty."},
	{CodeReference, "The name of a property, a kind or another thing that the pack does not declare."},
	{CodeLevel, "The levels are blue, yellow, orange and red."},
	{CodeTemplate, "A text uses a placeholder that nothing fills."},
	{CodeTwice, "Two things of the pack have the same id."},
	{CodeClash, "Two conditions that exclude each other hold at the same value."},
	{CodeOrder, "A higher level's condition holds at a value where a lower level's does not."},
	{CodeCondition, "The condition does not compile as CEL over the variables that stand there."},
	{CodeNotBoolean, "A condition must be true or false."},
	{CodeCost, "The condition could cost more than a detector may spend on one reading."},
	{CodePerson, "Anlan watches places, assets and incidents, not people: what is observed, kept or sorted by must not be an identifier of a person or of a person's device."},
}
