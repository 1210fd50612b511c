// Package dashboard is the page that people look at: figures per day as charts and a table, with filters. Its files
// are embedded and served as they are; it asks the HTTP API for everything it shows and holds no figure itself.
//
// Invariants:
//
//   - the page loads nothing from another host and runs no inline script or style, and its content security policy
//     holds it to that;
//   - what is shown follows from the URL alone, so that a link shows the same to everyone.
//
// When the API can't answer, the page says what it was told and goes on trying; what it showed before stays, marked.
package dashboard
