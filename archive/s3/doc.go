// Package s3 keeps an archive in a bucket of an S3-compatible object store: archive.Place over Put, Get, Copy and Delete. It
// lists nothing, and needs s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on the prefix.
//
// Invariants, and why they hold although S3 can't rename:
//
//   - under a name is a whole object or none: a Put that is not completed leaves nothing that is seen, in one part or in many,
//     and neither does a copy;
//   - a Move copies, then deletes what it copied. Cut off in between, both names are there with the same bytes, and the Move is
//     repeated. The archive moves from staged/ to events/ or dropped/, so who lists .parquet files never sees a row twice;
//   - what was written is what the next read gives, after Put, Copy and Delete alike: S3 promises that, and stores that are
//     compatible do; one that only does so eventually can't keep an archive;
//   - an object that is replaced while it is read fails the read (If-Match), and is never read half and half.
//
// What happens on failure:
//
//	503, a broken connection, no answer   tried again for some seconds, then told; the archive tries again, and the log waits
//	credentials refused, no such bucket   told at once, with what to set
//	killed in a Put of many parts         parts stay, unseen: have the bucket abort incomplete uploads after a day
package s3
