// Package sigv4 verifies and makes AWS Signature Version 4, in a header or in the query of a presigned URL.
//
// A signature proves that the sender of a request knows the secret of an access key and that nobody changed the method, the
// path, the query, the signed headers or the body on the way. Verify stands before every AWS API, @connections and $connect
// routes with AWS_IAM; Sign and Presign serve our own clients. What a verified principal may do is policy and not decided here;
// nor are replays within the validity of a signature detected, which AWS does not do either.
//
//	Authorization    = algorithm SP parameter *( ("," / SP) parameter )
//	parameter        = "Credential=" credential / "SignedHeaders=" names / "Signature=" 64HEXDIG
//	credential       = access-key-id "/" date "/" region "/" service "/aws4_request"
//	names            = name *( ";" name )            ; lower case, ascending, "host" among them
//
//	canonical request = method LF path LF query LF *( name ":" value LF ) LF names LF hex(sha256(body))
//	string to sign    = "AWS4-HMAC-SHA256" LF time LF date/region/service/aws4_request LF hex(sha256(canonical request))
//
// The package does no I/O: the body comes as its hash, the time from a clock, the secrets from a Keys.
//
// Source: IAM User Guide, "Create a signed AWS API request" and "Troubleshoot Signature Version 4 signing".
package sigv4
