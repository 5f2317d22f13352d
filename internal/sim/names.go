package sim

import (
	"fmt"
	"strings"
)

// Name is what a thing is called in the console's two languages. Chinese names follow Shanghai's official style; English
// ones are pinyin with the field's word behind it.
type Name struct {
	En string `json:"en"`
	Zh string `json:"zh-CN"`
}

// CityName is the invented city: 澜港, harbour of the great waves.
var cityName = Name{"Langang Harbour City", "澜港市"}

// CityName returns the name of the invented city.
func CityName() Name { return cityName }

var districts = []Name{
	{"Wangchao District", "望潮区"},
	{"Heqing District", "河清区"},
	{"Yunfan District", "云帆区"},
	{"Qingyu District", "青屿区"},
	{"Fengken District", "丰垦区"},
}

// towns lists the subdistricts (街道) and towns (镇) with their seeds: metres inland and metres from the river.
var towns = []town{
	{Name{"Laomatou Subdistrict", "老码头街道"}, 0, 450, 450, false},
	{Name{"Zhonggu Subdistrict", "钟鼓街道"}, 0, 1450, 650, false},
	{Name{"Wangchaomen Subdistrict", "望潮门街道"}, 0, 2700, 600, false},
	{Name{"Tingtao Subdistrict", "听涛街道"}, 0, 700, 1650, false},
	{Name{"Shuyuan Subdistrict", "书院街道"}, 0, 2150, 1900, false},
	{Name{"Heqingmen Subdistrict", "河清门街道"}, 1, 700, -600, false},
	{Name{"Nanbu Subdistrict", "南埠街道"}, 1, 1900, -750, false},
	{Name{"Shiliang Subdistrict", "石梁街道"}, 1, 3300, -900, false},
	{Name{"Yancang Subdistrict", "盐仓街道"}, 1, 900, -2000, false},
	{Name{"Xuefu Subdistrict", "学府街道"}, 1, 2500, -2350, false},
	{Name{"Lingang Subdistrict", "临港街道"}, 2, 650, 2900, false},
	{Name{"Yunfan Subdistrict", "云帆街道"}, 2, 2300, 3300, false},
	{Name{"Chuanwu Subdistrict", "船坞街道"}, 2, 500, 4500, false},
	{Name{"Dengta Town", "灯塔镇"}, 2, 2300, 4800, false},
	{Name{"Shazui Subdistrict", "沙咀街道"}, 3, 800, -3600, false},
	{Name{"Beiwan Town", "贝湾镇"}, 3, 2700, -4100, false},
	{Name{"Qingyu Town", "青屿镇"}, 3, 0, 0, true},
	{Name{"Liuyan Town", "柳堰镇"}, 4, 4400, 900, false},
	{Name{"Hetang Town", "荷塘镇"}, 4, 4600, 3200, false},
	{Name{"Yuantou Town", "源头镇"}, 4, 7000, 1100, false},
	{Name{"Zhuwu Town", "竹坞镇"}, 4, 7200, 3500, false},
	{Name{"Fengken Town", "丰垦镇"}, 4, 5000, -1100, false},
	{Name{"Daoxi Town", "稻溪镇"}, 4, 5300, -3300, false},
	{Name{"Meiwu Town", "梅坞镇"}, 4, 7500, -1700, false},
}

// stem is a town's name without its rank, for the things named after it.
func stem(n Name) Name {
	zh := n.Zh
	for _, rank := range []string{"街道", "镇", "区"} {
		zh = strings.TrimSuffix(zh, rank)
	}
	return Name{n.En[:strings.LastIndexByte(n.En, ' ')], zh}
}

// A street's name is one syllable pair; the two lists give some 600 of them, none of which names a person.
var (
	streetFirst = [][2]string{
		{"观", "Guan"}, {"听", "Ting"}, {"望", "Wang"}, {"临", "Lin"}, {"锦", "Jin"}, {"澄", "Cheng"}, {"碧", "Bi"}, {"银", "Yin"},
		{"白", "Bai"}, {"云", "Yun"}, {"星", "Xing"}, {"金", "Jin"}, {"长", "Chang"}, {"永", "Yong"}, {"安", "An"}, {"宁", "Ning"},
		{"和", "He"}, {"瑞", "Rui"}, {"春", "Chun"}, {"秋", "Qiu"}, {"东", "Dong"}, {"新", "Xin"}, {"朝", "Chao"}, {"晴", "Qing"},
	}
	streetSecond = [][2]string{
		{"海", "hai"}, {"潮", "chao"}, {"涛", "tao"}, {"帆", "fan"}, {"江", "jiang"}, {"浦", "pu"}, {"渔", "yu"}, {"鸥", "ou"},
		{"沙", "sha"}, {"屿", "yu"}, {"桥", "qiao"}, {"塘", "tang"}, {"湾", "wan"}, {"岚", "lan"}, {"舟", "zhou"}, {"堤", "di"},
		{"泽", "ze"}, {"汀", "ting"}, {"霞", "xia"}, {"月", "yue"}, {"松", "song"}, {"荷", "he"}, {"桂", "gui"}, {"柳", "liu"},
	}
)

// streetName names line k of a family of lattice lines. The stride walks the two lists so that neighbours differ in both
// syllables and no pair comes twice.
func streetName(k int, zhRank, enRank string) Name {
	a := streetFirst[(k*7)%len(streetFirst)]
	b := streetSecond[(k*5+k/len(streetFirst)*3)%len(streetSecond)]
	return Name{a[1] + b[1] + " " + enRank, a[0] + b[0] + zhRank}
}

// restaurantWords make names like 渔火面馆.
var (
	restaurantFirst = [][2]string{
		{"渔火", "Yuhuo"}, {"海味", "Haiwei"}, {"老灶", "Laozao"}, {"同春", "Tongchun"}, {"潮生", "Chaosheng"}, {"鲜码头", "Xianmatou"},
		{"百味", "Baiwei"}, {"小满", "Xiaoman"}, {"福临", "Fulin"}, {"蓝鲸", "Lanjing"}, {"三碗", "Sanwan"}, {"竹里", "Zhuli"},
		{"东篱", "Dongli"}, {"一品", "Yipin"}, {"好邻", "Haolin"}, {"望江", "Wangjiang"}, {"春风", "Chunfeng"}, {"盐巷", "Yanxiang"},
	}
	restaurantSecond = [][2]string{
		{"面馆", "Noodle House"}, {"饭店", "Restaurant"}, {"海鲜楼", "Seafood House"}, {"小吃", "Snacks"}, {"火锅店", "Hotpot"},
		{"茶餐厅", "Tea Restaurant"}, {"酒家", "Tavern"}, {"烧烤店", "Barbecue"}, {"包子铺", "Steamed Buns"}, {"快餐店", "Canteen"},
	}
)

// numbered appends a running number the way both languages do.
func numbered(n Name, k int, zhUnit string) Name {
	return Name{fmt.Sprintf("%s %d", n.En, k), fmt.Sprintf("%s%d%s", n.Zh, k, zhUnit)}
}
