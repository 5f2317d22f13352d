// Package web is the HTTP edge: one router for all rooms, one form of error, limits that hold, and OpenAPI 3.1 from the
// types of the API's operations.
//
// Promises: every error of the API is problem+json (RFC 9457) with a stable code; what goes wrong inside is logged and
// never shown; a body over its limit is refused before it is read; a slow sender can't hold a connection for ever.
//
// It must not know any room.
package web
