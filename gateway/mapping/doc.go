// Package mapping shapes what non-proxy integrations send and what their clients get back: mapping templates over package
// vtl, with API Gateway's $input, $util, $context and $stageVariables, and integration responses, which choose the template for
// a backend's answer.
//
// Everything is compiled when a stage is deployed. Parameters and forwarded headers are package transform's; calling a backend
// is package integrate's.
//
// Source: reference sections 3.3, 4 and 5.
package mapping
