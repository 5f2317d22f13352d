// Package web is the HTTP edge: one router for all rooms, one form of error, limits that hold, and OpenAPI 3.1 from the
// types of the API's operations.
//
// Promises: every error of the API is problem+json (RFC 9457) with a stable code; what goes wrong inside is logged and
// never shown; a body that says that it is over its limit is refused unread, and one that doesn't say so is read up to the
// limit and no further; headers and bodies that do not arrive in time, and connections that stay silent between requests,
// are ended.
//
// It must not know any room.
package web
