"""The currencies of the world that are in use, by their ISO 4217 codes: what an organisation can choose from."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple


class Currency(NamedTuple):
    """`decimals` is how many decimal places amounts have."""

    code: str
    name: str
    symbol: str
    decimals: str

    @property
    def title(self) -> str:
        return f"{self.name} - {self.code}"


# Code, symbol, decimals and name.
_LIST = """
AED AED 2 UAE Dirham
AFN ؋ 2 Afghan Afghani
ALL L 2 Albanian Lek
AMD ֏ 2 Armenian Dram
AOA Kz 2 Angolan Kwanza
ARS $ 2 Argentine Peso
AUD $ 2 Australian Dollar
AWG ƒ 2 Aruban Florin
AZN ₼ 2 Azerbaijani Manat
BAM KM 2 Bosnian Convertible Mark
BBD $ 2 Barbadian Dollar
BDT ৳ 2 Bangladeshi Taka
BHD BD 3 Bahraini Dinar
BIF FBu 0 Burundian Franc
BMD $ 2 Bermudian Dollar
BND $ 2 Brunei Dollar
BOB Bs 2 Bolivian Boliviano
BRL R$ 2 Brazilian Real
BSD $ 2 Bahamian Dollar
BTN Nu. 2 Bhutanese Ngultrum
BWP P 2 Botswana Pula
BYN Br 2 Belarusian Rouble
BZD $ 2 Belize Dollar
CAD $ 2 Canadian Dollar
CDF FC 2 Congolese Franc
CHF CHF 2 Swiss Franc
CLP $ 0 Chilean Peso
CNY ¥ 2 Chinese Yuan
COP $ 2 Colombian Peso
CRC ₡ 2 Costa Rican Colon
CUP $ 2 Cuban Peso
CVE $ 2 Cape Verdean Escudo
CZK Kč 2 Czech Koruna
DJF Fdj 0 Djiboutian Franc
DKK kr 2 Danish Krone
DOP $ 2 Dominican Peso
DZD DA 2 Algerian Dinar
EGP E£ 2 Egyptian Pound
ERN Nfk 2 Eritrean Nakfa
ETB Br 2 Ethiopian Birr
EUR € 2 Euro
FJD $ 2 Fijian Dollar
FKP £ 2 Falkland Islands Pound
GBP £ 2 British Pound
GEL ₾ 2 Georgian Lari
GHS ₵ 2 Ghanaian Cedi
GIP £ 2 Gibraltar Pound
GMD D 2 Gambian Dalasi
GNF FG 0 Guinean Franc
GTQ Q 2 Guatemalan Quetzal
GYD $ 2 Guyanese Dollar
HKD $ 2 Hong Kong Dollar
HNL L 2 Honduran Lempira
HTG G 2 Haitian Gourde
HUF Ft 2 Hungarian Forint
IDR Rp 2 Indonesian Rupiah
ILS ₪ 2 Israeli New Shekel
INR ₹ 2 Indian Rupee
IQD ID 3 Iraqi Dinar
IRR ﷼ 2 Iranian Rial
ISK kr 0 Icelandic Krona
JMD $ 2 Jamaican Dollar
JOD JD 3 Jordanian Dinar
JPY ¥ 0 Japanese Yen
KES KSh 2 Kenyan Shilling
KGS som 2 Kyrgyzstani Som
KHR ៛ 2 Cambodian Riel
KMF CF 0 Comorian Franc
KPW ₩ 2 North Korean Won
KRW ₩ 0 South Korean Won
KWD KD 3 Kuwaiti Dinar
KYD $ 2 Cayman Islands Dollar
KZT ₸ 2 Kazakhstani Tenge
LAK ₭ 2 Lao Kip
LBP L£ 2 Lebanese Pound
LKR Rs 2 Sri Lankan Rupee
LRD $ 2 Liberian Dollar
LSL L 2 Lesotho Loti
LYD LD 3 Libyan Dinar
MAD DH 2 Moroccan Dirham
MDL L 2 Moldovan Leu
MGA Ar 2 Malagasy Ariary
MKD ден 2 Macedonian Denar
MMK K 2 Myanmar Kyat
MNT ₮ 2 Mongolian Tugrik
MOP MOP$ 2 Macanese Pataca
MRU UM 2 Mauritanian Ouguiya
MUR Rs 2 Mauritian Rupee
MVR Rf 2 Maldivian Rufiyaa
MWK MK 2 Malawian Kwacha
MXN $ 2 Mexican Peso
MYR RM 2 Malaysian Ringgit
MZN MT 2 Mozambican Metical
NAD $ 2 Namibian Dollar
NGN ₦ 2 Nigerian Naira
NIO C$ 2 Nicaraguan Cordoba
NOK kr 2 Norwegian Krone
NPR Rs 2 Nepalese Rupee
NZD $ 2 New Zealand Dollar
OMR RO 3 Omani Rial
PAB B/. 2 Panamanian Balboa
PEN S/ 2 Peruvian Sol
PGK K 2 Papua New Guinean Kina
PHP ₱ 2 Philippine Peso
PKR Rs 2 Pakistani Rupee
PLN zł 2 Polish Zloty
PYG ₲ 0 Paraguayan Guarani
QAR QR 2 Qatari Riyal
RON lei 2 Romanian Leu
RSD дин 2 Serbian Dinar
RUB ₽ 2 Russian Rouble
RWF FRw 0 Rwandan Franc
SAR SR 2 Saudi Riyal
SBD $ 2 Solomon Islands Dollar
SCR SRe 2 Seychellois Rupee
SDG SDG 2 Sudanese Pound
SEK kr 2 Swedish Krona
SGD $ 2 Singapore Dollar
SHP £ 2 Saint Helena Pound
SLE Le 2 Sierra Leonean Leone
SOS Sh 2 Somali Shilling
SRD $ 2 Surinamese Dollar
SSP SSP 2 South Sudanese Pound
STN Db 2 Sao Tome and Principe Dobra
SYP S£ 2 Syrian Pound
SZL E 2 Swazi Lilangeni
THB ฿ 2 Thai Baht
TJS SM 2 Tajikistani Somoni
TMT m 2 Turkmenistani Manat
TND DT 3 Tunisian Dinar
TOP T$ 2 Tongan Paanga
TRY ₺ 2 Turkish Lira
TTD $ 2 Trinidad and Tobago Dollar
TWD NT$ 2 New Taiwan Dollar
TZS TSh 2 Tanzanian Shilling
UAH ₴ 2 Ukrainian Hryvnia
UGX USh 0 Ugandan Shilling
USD $ 2 US Dollar
UYU $ 2 Uruguayan Peso
UZS sum 2 Uzbekistani Som
VES Bs. 2 Venezuelan Bolivar
VND ₫ 0 Vietnamese Dong
VUV VT 0 Vanuatu Vatu
WST T 2 Samoan Tala
XAF FCFA 0 Central African CFA Franc
XCD $ 2 East Caribbean Dollar
XOF CFA 0 West African CFA Franc
XPF F 0 CFP Franc
YER YR 2 Yemeni Rial
ZAR R 2 South African Rand
ZMW ZK 2 Zambian Kwacha
ZWL Z$ 2 Zimbabwean Dollar
"""


@cache
def currencies() -> Mapping[str, Currency]:
    """By code."""
    rows = (line.split(maxsplit=3) for line in _LIST.strip().splitlines())
    return {code: Currency(code, name, symbol, decimals) for code, symbol, decimals, name in rows}
