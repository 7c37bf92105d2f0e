import mysql = require('./index.js');
export = mysql;
