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
INSERT INTO "account" VALUES('cyd','u4dbtkur3pixhhngv7je5o3vom',895,0,0,105,1000,0,0,0,0,0,1,2,3495877514);
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
INSERT INTO "deliveries" VALUES('u4dbtkur3pixhhngv7je5o3vom.d1',1,'won',0,'[{"item":"ezkioxgtw4osk4l3pwdxthu2lq.i3","base":"tide_oar","name":"Tide Oar","category":"oars","rarity":"rare","level":49,"stats":{"reach":80,"weight":106},"bound":false}]','{}','ezkioxgtw4osk4l3pwdxthu2lq.l1',1700003600000,283732823);
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
g3','2A4Q2zYpbyI1CZjc4yYR1A==',0,'g6ZwbGF5ZXKjY3lkpGdvbGTNA+ilaXRlbXOQ',1700000000000,0,2308787572);
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
INSERT INTO "ledger" VALUES(2,1700000000000,'elsewhere','wallet',150,'bid','ezkioxgtw4osk4l3pwdxthu2lq.l1',3482786515);
INSERT INTO "ledger" VALUES(3,1700003600000,'wallet','elsewhere',45,'refund','ezkioxgtw4osk4l3pwdxthu2lq.l1',245221329);
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
INSERT INTO "notices" VALUES(1,'listing.won',1700003600000,'{"listing":"ezkioxgtw4osk4l3pwdxthu2lq.l1","price":105,"delivery":"u4dbtkur3pixhhngv7je5o3vom.d1"}',1207202977);
INSERT INTO "notices" VALUES(2,'delivery.arrived',1700003600000,'{"delivery":"u4dbtkur3pixhhngv7je5o3vom.d1","kind":"won"}',2863803758);
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
INSERT INTO "store" VALUES('u4dbtkur3pixhhngv7je5o3vom','player',1,'cyd',12,'0001020304050607');
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
