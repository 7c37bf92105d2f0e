import grpc = require('./index.js');
export = grpc;
