import globaltx = require('./index.js');
export = globaltx;
