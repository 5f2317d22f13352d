// Package page renders the pages that the public sees: one layout, one style
// sheet, English and Simplified Chinese, without a line of JavaScript.
//
// It promises that a page works with scripts, images and cookies switched off,
// that its language and text size travel in the address (so that a page can be
// shared, cached and printed as it was seen), that it follows the reader's light
// or dark setting, and that nothing on it comes from another host: the security
// policy it sends allows no scripts at all.
//
// A room brings its templates and its texts; the layout, the times and the
// preferences are here. The package must not know what a warning or a report is.
package page
