-- A shop with @rows orders, and reports on them: each is a job that the upgrade must keep.
CREATE DATABASE shop;
USE shop;
CREATE TABLE orders (id INT PRIMARY KEY, item VARCHAR(40), price DECIMAL(8, 2)) ENGINE=InnoDB;
INSERT INTO orders SELECT seq, CONCAT('item ', seq), seq / 4 FROM seq_1_to_1000000 WHERE seq <= @rows;
CREATE TABLE reports (id INT PRIMARY KEY AUTO_INCREMENT, token VARCHAR(80) UNIQUE, runs INT DEFAULT 0);

DELIMITER ;;
CREATE PROCEDURE report(wanted VARCHAR(80))
BEGIN
    INSERT INTO reports (token, runs) VALUES (wanted, 1) ON DUPLICATE KEY UPDATE runs = runs + 1;
    SELECT CONCAT('report ', wanted, ': ', COUNT(*), ' orders') FROM orders;
END;;
CREATE PROCEDURE list()
BEGIN
    SELECT COALESCE(JSON_ARRAYAGG(JSON_OBJECT('id', id, 'name', CONCAT('report ', id), 'token', token, 'runs', runs,
        'orders', (SELECT COUNT(*) FROM orders), 'worth', (SELECT SUM(price) FROM orders))), '[]') FROM reports;
END;;
