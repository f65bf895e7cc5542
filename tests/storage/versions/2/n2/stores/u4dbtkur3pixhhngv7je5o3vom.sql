PRAGMA page_size = 1024;
BEGIN TRANSACTION;
CREATE TABLE account (
	player TEXT NOT NULL, 
	store TEXT NOT NULL, 
	gold INTEGER NOT NULL, 
	gold_escrowed INTEGER NOT NULL, 
	gold_held INTEGER NOT NULL, 
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
	life INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (player)
)
 STRICT

;
INSERT INTO "account" VALUES('cyd','u4dbtkur3pixhhngv7je5o3vom',350,0,150,0,0,500,0,1,0,1,0,0,0,1,1334965899);
CREATE TABLE bids (
	listing TEXT NOT NULL, 
	amount INTEGER NOT NULL, 
	winning INTEGER NOT NULL, 
	at_ms INTEGER NOT NULL, 
	refund_due INTEGER NOT NULL, 
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
INSERT INTO "items" VALUES('u4dbtkur3pixhhngv7je5o3vom.i1','fog_bell','Fog Bell','bells','plain',34,'{}',0,3259334403);
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
gcyd','U9NszrE62X4ghvvGYokMsA==',0,'g6ZwbGF5ZXKjY3lkpGdvbGTNAfSlaXRlbXORiKRpdGVtvXU0ZGJ0a3VyM3BpeGhobmd2N2plNW8zdm9tLmkxpGJhc2WoZm9nX2JlbGykbmFtZahGb2cgQmVsbKhjYXRlZ29yeaViZWxsc6ZyYXJpdHmlcGxhaW6lbGV2ZWwipXN0YXRzgKVib3VuZMI=',1700000000000,0,3690814450);
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
INSERT INTO "ledger" VALUES(1,1700000000000,'wallet','granted',500,'grant',NULL,2477854859);
INSERT INTO "ledger" VALUES(2,1700000000000,'held','wallet',150,'hold','ezkioxgtw4osk4l3pwdxthu2lq.l1',432330362);
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
INSERT INTO "store" VALUES('u4dbtkur3pixhhngv7je5o3vom','player',2,'cyd',5,'b4c5c0d498fbe95e');
CREATE TABLE trades (
	trade TEXT NOT NULL, 
	listing TEXT NOT NULL, 
	side TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	leg TEXT NOT NULL, 
	vote TEXT NOT NULL, 
	held INTEGER NOT NULL, 
	"key" TEXT, 
	at_ms INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (trade)
)
 STRICT

;
INSERT INTO "trades" VALUES('1.n2.1.2','ezkioxgtw4osk4l3pwdxthu2lq.l1','buyer','bid','lqtidXllci1sZWcuMaNiaWS9ZXpraW94Z3R3NG9zazRsM3B3ZHh0aHUybHEubDHMlsyWwA==','',150,NULL,1700000000000,2344088393);
CREATE TABLE transfers_in (
	store TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (store)
)
 STRICT

;
CREATE TABLE transfers_out (
	store TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (store)
)
 STRICT

;
COMMIT;
