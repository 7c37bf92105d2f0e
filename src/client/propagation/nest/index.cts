import nest = require('./index.js');
export = nest;
