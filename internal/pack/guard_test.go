package pack

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// Guard 1 of the design, attacked: names of a person's or a device's identifier in both languages, in all the spellings
// that come to mind.
var personal = []string{
	"phone", "phones", "phone1", "Phone-Number", "phonenumber", "mobile_number", "mobilenumber", "mobile-no", "mobilePhone", "cell-number", "telephone",
	"id-card", "ID card", "IDCard", "id_card_no", "idcard2", "identity-number", "identityNumber", "national-id", "citizen_id", "passport", "passports",
	"licencePlate", "license-plate", "licenceplates", "number plate", "number-plates", "plate_number", "plateNo", "vehicle plate", "ANPR", "alpr-camera", "plate-recognition",
	"mac", "MACAddress", "mac-address", "macaddr", "wifi-probe", "Wi-Fi probe", "wifiProbe", "wifi_mac", "bluetooth-mac", "probe-request", "bssid",
	"imsi", "IMSI-catcher", "imsi2", "imei", "iccid", "msisdn", "sim-card", "device-id", "deviceId", "handset",
	"face", "faces", "face-id", "faceId", "faceRecognition", "facerecognition", "facial", "fingerprint", "fingerprints", "iris", "gait", "voiceprint", "biometrics",
	"ｐｈｏｎｅ", "pho\u200bne", "ＩＭＳＩ",
	"身份证", "身份证号码", "居民身份证号", "公民身份号码", "证件号", "手机", "手机号", "手机号码", "移动电话", "联系电话", "车牌", "车牌号", "机动车号牌", "车辆牌照",
	"人脸", "人脸识别", "人像比对", "面部特征", "刷脸", "指纹", "虹膜", "声纹", "步态", "MAC地址", "mac 地址", "物理地址", "IMSI号", "IMEI码", "设备识别码", "WiFi探针", "无线探针",
	"微信号", "户主姓名", "护照号", "shenfenzheng", "shoujihao", "chepai", "renlian-shibie", "手 机 号", "人-脸",
}

// What a city's packs do name.
var impersonal = []string{
	"methane", "methane-ambient", "kitchen-alarm", "street-probe", "probe", "temperature-probe", "ambient-instrument", "regulator", "main", "pressure", "machine-room",
	"surface-water", "surface-record", "interface-level", "interface-id", "time-interval", "base-plate", "plate-heat-exchanger", "plate-thickness", "mobile-gauge", "mobile-noise-monitor",
	"hydrophone", "geophone", "microphone", "wind-speed", "escalator", "lift", "simulated-load", "phase-angle", "platform-screen-door", "manhole-cover", "license", "facility",
	"emergency-intercom", "fluid-card-valve", "rim-size", "identity-check-valve", "macro-particles",
	"甲烷浓度", "环境甲烷", "管网压力", "餐饮场所燃气报警器", "井下探头", "调压器", "燃气干管", "电梯", "客流总量", "温度探针", "路面", "墙面位移", "机房", "手动阀", "水位",
}

func TestPersonal(t *testing.T) {
	for _, name := range personal {
		if _, refused := Personal(name); !refused {
			t.Errorf("%q is let through", name)
		}
	}
	for _, name := range impersonal {
		if word, refused := Personal(name); refused {
			t.Errorf("%q is refused for %q", name, word)
		}
	}
}

// The guard stands at every door of pack.yaml: keys and titles of properties, kinds and categories.
func TestPersonalIsRefused(t *testing.T) {
	for _, name := range personal {
		for _, line := range []string{
			"observes:\n  %q: {title: {en: Something, zh-CN: 某物}, unit: m, range: [0, 1]}",
			"observes:\n  something: {title: {en: %q, zh-CN: 某物}, unit: m, range: [0, 1]}",
			"assets:\n  %q: {title: {en: Something, zh-CN: 某物}}",
			"assets:\n  something: {title: {en: Something, zh-CN: %q}}",
			"categories:\n  %q: {title: {en: Something, zh-CN: 某物}, about: place}",
			"categories:\n  something: {title: {en: %q, zh-CN: 某物}, about: place}",
		} {
			src := "pack: gas\ntitle: {en: Gas, zh-CN: 燃气}\n" + fmt.Sprintf(line, name) + "\n"
			_, err := Load(fstest.MapFS{"pack.yaml": {Data: []byte(src)}}, "packs/gas")
			if err == nil || !strings.Contains(err.Error(), CodePerson) {
				t.Errorf("let through: %s\n%v", src, err)
			}
		}
	}
}
