import mysql = require('./promise.js');
export = mysql;
