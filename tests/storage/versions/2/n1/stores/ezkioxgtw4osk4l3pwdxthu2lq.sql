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
INSERT INTO "account" VALUES('ann','ezkioxgtw4osk4l3pwdxthu2lq',50,100,0,0,-100,50,0,3,0,3,1,0,0,1,4015424052);
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
INSERT INTO "commodities" VALUES('tin',7,7,0,1728313190);
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
INSERT INTO "items" VALUES('ezkioxgtw4osk4l3pwdxthu2lq.i2','tide_oar','Tide Oar','oars','plain',1,'{}',0,1916232739);
INSERT INTO "items" VALUES('ezkioxgtw4osk4l3pwdxthu2lq.i3','tide_oar','Tide Oar','oars','plain',1,'{}',0,3017292601);
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
gann','3C01hpv2u+ITcMrSsaNaIQ==',0,'g6ZwbGF5ZXKjYW5upGdvbGQypWl0ZW1zk4ikaXRlbb1lemtpb3hndHc0b3NrNGwzcHdkeHRodTJscS5pMaRiYXNlqHRpZGVfb2FypG5hbWWoVGlkZSBPYXKoY2F0ZWdvcnmkb2Fyc6ZyYXJpdHmlcGxhaW6lbGV2ZWwBpXN0YXRzgKVib3VuZMKIpGl0ZW29ZXpraW94Z3R3NG9zazRsM3B3ZHh0aHUybHEuaTKkYmFzZah0aWRlX29hcqRuYW1lqFRpZGUgT2FyqGNhdGVnb3J5pG9hcnOmcmFyaXR5pXBsYWlupWxldmVsAaVzdGF0c4ClYm91bmTCiKRpdGVtvWV6a2lveGd0dzRvc2s0bDNwd2R4dGh1MmxxLmkzpGJhc2WodGlkZV9vYXKkbmFtZahUaWRlIE9hcqhjYXRlZ29yeaRvYXJzpnJhcml0eaVwbGFpbqVsZXZlbAGlc3RhdHOApWJvdW5kwg==',1700000000000,0,2617062786);
INSERT INTO "keys" VALUES('
c1','dq3QJG+4psWqKRlxgfphrA==',0,'gadsaXN0aW5njKdsaXN0aW5nvWV6a2lveGd0dzRvc2s0bDNwd2R4dGh1MmxxLmwxpGl0ZW2IpGl0ZW29ZXpraW94Z3R3NG9zazRsM3B3ZHh0aHUybHEuaTGkYmFzZah0aWRlX29hcqRuYW1lqFRpZGUgT2FyqGNhdGVnb3J5pG9hcnOmcmFyaXR5pXBsYWlupWxldmVsAaVzdGF0c4ClYm91bmTCpXN0YXRlpG9wZW6pc3RhcnRfYmlkCqZidXlvdXTApXByaWNlwKdtaW5fYmlkCqRiaWRzAK1jcmVhdGVkX2F0X21zzwAAAYvP5WgAqmVuZHNfYXRfbXPPAAABi9AcVoCkbWluZcOnd2lubmluZ8I=',1700000000000,0,2731524234);
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
INSERT INTO "ledger" VALUES(1,1700000000000,'wallet','granted',50,'grant',NULL,2994678972);
INSERT INTO "ledger" VALUES(2,1700000000000,'escrow','elsewhere',100,'bid','ezkioxgtw4osk4l3pwdxthu2lq.l1',3340613450);
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
INSERT INTO "listings" VALUES('ezkioxgtw4osk4l3pwdxthu2lq.l1',1,2,'ann','{"item":"ezkioxgtw4osk4l3pwdxthu2lq.i1","base":"tide_oar","name":"Tide Oar","category":"oars","rarity":"plain","level":1,"stats":{},"bound":false}','open',10,NULL,10,'bob',100,1,0,1700000000000,1700003600000,1700003600000,'{"fee_bp":1500,"increment_bp":500,"increment_min":1,"price_max":9007199254740991,"cancel_window_s":300,"snipe_window_s":30,"snipe_extension_s":30,"snipe_max_s":600}',3764728205);
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
INSERT INTO "store" VALUES('ezkioxgtw4osk4l3pwdxthu2lq','player',2,'ann',5,'85473ff1d6a3dfdc');
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
INSERT INTO "trades" VALUES('1.n2.1.2','ezkioxgtw4osk4l3pwdxthu2lq.l1','seller','bid','lqxzZWxsZXItbGVnLjGjY3lko2JpZL1lemtpb3hndHc0b3NrNGwzcHdkeHRodTJscS5sMcyWww==','lqpiaWQtdm90ZS4x3gARp2xpc3Rpbme9ZXpraW94Z3R3NG9zazRsM3B3ZHh0aHUybHEubDGmbnVtYmVyAad2ZXJzaW9uA6ZzZWxsZXKjYW5upGl0ZW2IpGl0ZW29ZXpraW94Z3R3NG9zazRsM3B3ZHh0aHUybHEuaTGkYmFzZah0aWRlX29hcqRuYW1lqFRpZGUgT2FyqGNhdGVnb3J5pG9hcnOmcmFyaXR5pXBsYWlupWxldmVsAaVzdGF0c4ClYm91bmTCpXN0YXRlpG9wZW6pc3RhcnRfYmlkCqZidXlvdXTApXByaWNlaaZsZWFkZXKjY3lkqmxlYWRlcl9tYXjMlqRiaWRzAqdkZXBvc2l0AK1jcmVhdGVkX2F0X21zzwAAAYvP5WgAqmVuZHNfYXRfbXPPAAABi9AcVoCwZmlyc3RfZW5kc19hdF9tc88AAAGL0BxWgKVydWxlc4imZmVlX2JwzQXcrGluY3JlbWVudF9icM0B9K1pbmNyZW1lbnRfbWluAalwcmljZV9tYXjPAB////////+vY2FuY2VsX3dpbmRvd19zzQEsrnNuaXBlX3dpbmRvd19zHrFzbmlwZV9leHRlbnNpb25fcx6rc25pcGVfbWF4X3PNAljDwsyWzJY=',0,NULL,1700000000000,894539622);
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
