// Package validator owns the proof that the target has what the source had: it
// reads loaded rows back and compares their digest with what the extractor
// counted, and names the rows and columns where they differ. It writes to no
// database, takes nothing from the loader, and never puts a value into a verdict:
// keys and column names only.
//
// Read validate.go first; drill.go goes from a wrong digest down to rows.
package validator
