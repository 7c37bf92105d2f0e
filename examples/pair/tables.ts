/** The database of an order service. */
export const ORDERS = [
  `CREATE TABLE orders (
    id INT AUTO_INCREMENT PRIMARY KEY,
    number VARCHAR(36) NOT NULL UNIQUE,
    user_id INT NOT NULL,
    amount INT NOT NULL,
    status VARCHAR(10) NOT NULL
  ) ENGINE=InnoDB`,
];

/** Ann has money for a few orders, Bob for none. */
export const ANN = 1;
export const BOB = 2;

/** The database of an account service. */
export const ACCOUNTS = [
  'CREATE TABLE accounts (user_id INT PRIMARY KEY, balance INT NOT NULL) ENGINE=InnoDB',
  `CREATE TABLE charges (
    id INT AUTO_INCREMENT PRIMARY KEY,
    order_number VARCHAR(36) NOT NULL UNIQUE,
    user_id INT NOT NULL,
    amount INT NOT NULL
  ) ENGINE=InnoDB`,
  `INSERT INTO accounts VALUES (${ANN}, 100), (${BOB}, 5)`,
];
