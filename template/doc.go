// Package template reads CloudFormation and SAM templates: it parses YAML (with the short tags: !Ref, !Sub …) and JSON,
// checks what can be checked without an account, binds parameters, mappings and conditions, expands AWS::Serverless
// resources, and evaluates intrinsic functions.
//
// It does no I/O and knows no service: what a resource's properties mean, and how it is made, is the business of package
// template/resource; the order and the memory of what was made, of template/stack. Unknown resource types pass through.
//
//	Parse(file, source) → Template      syntax, limits, structure, arguments of functions
//	Template.Bind(parameters, env) → Bound     what is left is CloudFormation resources, in order, without conditions
//	Resource.Properties(scope), Output.Value(scope)   plain values, as far as scope knows the others' Ref and GetAtt
//
// Values in evaluated trees are: string, bool, json.Number (in the digits of the template), nil, []any, map[string]any
// and Unknown.
//
// Every error is an *Error with the place in the file, or several joined (errors.Join) in the order of the source.
//
// Choices, where CloudFormation's documents leave room or its tools differ:
//   - Aliases and merge keys ("<<") are taken, as `sam` and `aws cloudformation package` do, which resolve them before
//     CloudFormation, which does not know merge keys, sees the template. An alias counts as often as it is used.
//   - Plain yes, no, on, off (any usual case) are booleans, as in YAML 1.1, which CloudFormation says to read. A number with
//     leading zeros stays text: it is an account id far more often than an octal number. Dates stay text.
//   - Parameters that the template does not declare are refused.
package template
