// Leads connections to AWS host names to the gateway. Loaded with --require, before the program.
//
// All of Node.js's clients end in net.Socket.connect, TLS ones as well, so that is the one place to change. The host that the
// client asked for stays its TLS server name and its Host header.
'use strict';

const net = require('net');

const target = process.env.SOCKGATE_REDIRECT || '';
const colon = target.lastIndexOf(':');
const gateway = { host: target.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(target.slice(colon + 1)) };
const led = /(^|\.)amazonaws\.com(\.cn)?\.?$|\.execute-api\.([a-z0-9-]+\.)*localhost\.?$/i;

if (colon > 0 && gateway.port > 0) {
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (...args) {
    // net.connect passes one array of normalized arguments; everybody else an object, or port and host.
    const list = Array.isArray(args[0]) ? args[0] : args;
    const first = list[0];
    const given = first !== null && typeof first === 'object';
    const host = given ? first.host : list[1];
    if (typeof host !== 'string' || (given && first.path) || !led.test(host)) return connect.apply(this, args);
    if (given) {
      // A TLS socket checks the certificate by the caller's options. At the gateway's address it is the gateway that answers.
      if (this.encrypted) first.rejectUnauthorized = false;
      list[0] = { ...first, ...gateway, lookup: undefined };
    } else {
      list[0] = gateway.port;
      list[1] = gateway.host;
    }
    return connect.apply(this, args);
  };
}
