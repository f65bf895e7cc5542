PRAGMA page_size = 1024;
BEGIN TRANSACTION;
CREATE TABLE account (
	player TEXT NOT NULL, 
	store TEXT NOT NULL, 
	gold INTEGER NOT NULL, 
	gold_escrowed INTEGER NOT NULL, 
	gold_waiting INTEGER NOT NULL, 
	gold_elsewhere INTEGER NOT NULL, 
	gold_granted INTEGER NOT NULL, 
	gold_burned INTEGER NOT NULL, 
	items_granted INTEGER NOT NULL, 
	items_burned INTEGER NOT NULL, 
	items_made INTEGER NOT NULL, 
	listings_made INTEGER NOT NULL, 
	deliveries_made INTEGER NOT NULL, 
	notices_made INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (player)
)
 STRICT

;
INSERT INTO "account" VALUES('bob','jaiji56eglhtzwmeogpqqxhapu',940,0,0,60,1000,0,0,0,0,0,0,1,3006707283);
CREATE TABLE bids (
	listing TEXT NOT NULL, 
	amount INTEGER NOT NULL, 
	winning INTEGER NOT NULL, 
	at_ms INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (listing)
)
 STRICT

;
INSERT INTO "bids" VALUES('ezkioxgtw4osk4l3pwdxthu2lq.l1',100,0,1700000000000,699017206);
INSERT INTO "bids" VALUES('ezkioxgtw4osk4l3pwdxthu2lq.l2',60,1,1700003600000,234274713);
CREATE TABLE commodities (
	commodity TEXT NOT NULL, 
	quantity INTEGER NOT NULL, 
	granted INTEGER NOT NULL, 
	burned INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (commodity)
)
 STRICT

;
CREATE TABLE deliveries (
	delivery TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	gold INTEGER NOT NULL, 
	items TEXT NOT NULL, 
	commodities TEXT NOT NULL, 
	listing TEXT, 
	at_ms INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (delivery)
)
 STRICT

;
CREATE TABLE items (
	item TEXT NOT NULL, 
	base TEXT NOT NULL, 
	name TEXT NOT NULL, 
	category TEXT NOT NULL, 
	rarity TEXT NOT NULL, 
	level INTEGER NOT NULL, 
	stats TEXT NOT NULL, 
	bound INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (item)
)
 STRICT

;
CREATE TABLE keys (
	"key" TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	refused INTEGER NOT NULL, 
	answer TEXT NOT NULL, 
	at_ms INTEGER NOT NULL, 
	untold INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY ("key")
)
 STRICT

;
INSERT INTO "keys" VALUES('admin:mint
g2','0RtnOf88jsONBiigqUcCoA==',0,'g6ZwbGF5ZXKjYm9ipGdvbGTNA+ilaXRlbXOQ',1700000000000,0,177607716);
CREATE TABLE ledger (
	number INTEGER NOT NULL, 
	at_ms INTEGER NOT NULL, 
	debit TEXT NOT NULL, 
	credit TEXT NOT NULL, 
	amount INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	ref TEXT, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (number)
)
 STRICT

;
INSERT INTO "ledger" VALUES(1,1700000000000,'wallet','granted',1000,'grant',NULL,2868137322);
INSERT INTO "ledger" VALUES(2,1700000000000,'elsewhere','wallet',100,'bid','ezkioxgtw4osk4l3pwdxthu2lq.l1',2748193377);
INSERT INTO "ledger" VALUES(3,1700000000000,'wallet','elsewhere',100,'refund','ezkioxgtw4osk4l3pwdxthu2lq.l1',3597185919);
INSERT INTO "ledger" VALUES(4,1700003600000,'elsewhere','wallet',60,'bid','ezkioxgtw4osk4l3pwdxthu2lq.l2',2227860566);
CREATE TABLE listings (
	listing TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	seller TEXT NOT NULL, 
	item TEXT NOT NULL, 
	state TEXT NOT NULL, 
	start_bid INTEGER, 
	buyout INTEGER, 
	price INTEGER, 
	leader TEXT, 
	leader_max INTEGER NOT NULL, 
	bids INTEGER NOT NULL, 
	deposit INTEGER NOT NULL, 
	created_at_ms INTEGER NOT NULL, 
	ends_at_ms INTEGER NOT NULL, 
	first_ends_at_ms INTEGER NOT NULL, 
	rules TEXT NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (listing)
)
 STRICT

;
CREATE TABLE notices (
	seq INTEGER NOT NULL, 
	type TEXT NOT NULL, 
	at_ms INTEGER NOT NULL, 
	data TEXT NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (seq)
)
 STRICT

;
INSERT INTO "notices" VALUES(1,'listing.outbid',1700000000000,'{"listing":"ezkioxgtw4osk4l3pwdxthu2lq.l1","price":105,"min_bid":110}',3467739997);
CREATE TABLE store (
	store TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	player TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	start TEXT NOT NULL, 
	PRIMARY KEY (store)
)
 STRICT

;
INSERT INTO "store" VALUES('jaiji56eglhtzwmeogpqqxhapu','player',1,'bob',12,'0001020304050607');
CREATE TABLE transfers_in (
	store TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (store)
)
 STRICT

;
INSERT INTO "transfers_in" VALUES('ezkioxgtw4osk4l3pwdxthu2lq',1,3828141485);
CREATE TABLE transfers_out (
	store TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (store)
)
 STRICT

;
COMMIT;
