// Package faultpoint marks the places of a range's way where a test can step in:
// stop the process, fail, wait or run a command. Without the build tag
// "faultpoint" Hit is empty and costs nothing; with it on.go reads the
// environment variable DROVER_FAULTPOINTS. Nothing that ships has the tag.
package faultpoint

// Point names a place.
type Point string

// The points, in the order a range meets them.
const (
	// ExtractorBeforePublish stands before a batch is given to the stream.
	ExtractorBeforePublish Point = "extractor.before-publish"
	// ExtractorAfterBatch stands after that.
	ExtractorAfterBatch Point = "extractor.after-batch"
	// ExtractorBeforeEnd stands before the message that ends the range.
	ExtractorBeforeEnd Point = "extractor.before-end"
	// LoaderAfterFence stands between the fence and its report.
	LoaderAfterFence Point = "loader.after-fence"
	// LoaderBeforeWrite stands before a batch is written to the target.
	LoaderBeforeWrite Point = "loader.before-write"
	// LoaderAfterKeep stands between the writing of rejected rows to their file and the
	// commit that counts them.
	LoaderAfterKeep Point = "loader.after-keep"
	// LoaderAfterWrite stands after the batch is committed, before it is reported.
	LoaderAfterWrite Point = "loader.after-write"
	// LoaderBeforeComplete stands between the last batch and the range's completion.
	LoaderBeforeComplete Point = "loader.before-complete"
	// LoaderAfterComplete stands between the range's completion and its report.
	LoaderAfterComplete Point = "loader.after-complete"
	// ValidatorBeforeRead stands between the load and the reading back.
	ValidatorBeforeRead Point = "validator.before-read"
	// ValidatorAfterRead stands between the reading back and the verdict.
	ValidatorAfterRead Point = "validator.after-read"
)
