// Tokens as text: base64url, the compact form, claims and times.
#include <gtest/gtest.h>

#include "core/base64url.hpp"
#include "core/error.hpp"
#include "core/jws.hpp"

namespace pg_clinic::test {
namespace {

using namespace core;

std::string b64(std::string_view text) { return to_base64url(text); }

bool reads_token(const std::string &token) {
    try {
        parse_jws(token);
        return true;
    } catch (const Error &) {
        return false;
    }
}

bool reads_header(std::string_view header) { return reads_token(b64(header) + "." + b64("{}") + "." + b64("s")); }

bool reads_claims(std::string_view json) {
    try {
        parse_claims(json);
        return true;
    } catch (const Error &) {
        return false;
    }
}

// Claims with sub and tenant_id, and what is given.
std::string claims(const std::string &more) {
    return R"({"sub":"0197a000-0000-7000-8000-0000000000aa","tenant_id":"0197A000-0000-7000-8000-000000000001")" +
           more + "}";
}

std::int64_t unix_micros(Instant t) { return t.micros + 946'684'800 * micros_per_second; }

TEST(Base64Url, GoesThereAndBack) {
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
        EXPECT_EQ(from_base64url(b64(bytes)), bytes);
        bytes += static_cast<char>(i * 7);
    }
    EXPECT_EQ(b64("\xFB\xFF\xBE"), "-_--");
    EXPECT_EQ(b64("f"), "Zg");
    EXPECT_EQ(b64("fo"), "Zm8");
    EXPECT_EQ(b64("foobar"), "Zm9vYmFy");
}

TEST(Base64Url, HasOneTextForEachBytes) {
    for (const char *text :
         {"Zg==", "Zg=", "Z", "ZZZZZ", "Zh", "Zm9", "Zm/v", "Zm+v", " Zg", "Zg\n", "Zm 9v", "Z\xC3\xA4"})
        EXPECT_FALSE(from_base64url(text)) << text;
    EXPECT_FALSE(from_base64url(std::string_view("Zg\0", 3)));
    EXPECT_EQ(from_base64url(""), "");
}

TEST(Jws, IsTakenApart) {
    const std::string token = signable(JwsAlgorithm::rs256, "key-1", R"({"a":1})") + "." + b64("signature");
    const Jws jws = parse_jws(token);
    EXPECT_EQ(jws.algorithm, JwsAlgorithm::rs256);
    EXPECT_EQ(jws.key_id, "key-1");
    EXPECT_EQ(jws.payload, R"({"a":1})");
    EXPECT_EQ(jws.signature, "signature");
    EXPECT_EQ(jws.signed_part, token.substr(0, token.rfind('.')));
}

TEST(Jws, HasThreePartsOfBase64) {
    const std::string header = b64(R"({"alg":"ES256","kid":"k"})"), payload = b64("{}"), signature = b64("s");
    EXPECT_TRUE(reads_token(header + "." + payload + "." + signature));
    for (const std::string &token :
         {std::string(), std::string("."), std::string(".."), header, header + "." + payload,
          header + "." + payload + ".", header + ".." + signature, "." + payload + "." + signature,
          header + "." + payload + "." + signature + ".", header + "." + payload + "." + signature + "." + signature,
          header + "." + payload + "." + signature + "=", " " + header + "." + payload + "." + signature,
          header + "." + payload + "." + signature + "\n", header + ". " + payload + "." + signature,
          "Bearer " + header + "." + payload + "." + signature})
        EXPECT_FALSE(reads_token(token)) << token;
}

TEST(Jws, HasALimitedLength) {
    const std::string head = b64(R"({"alg":"ES256","kid":"k"})") + ".";
    const std::string tail = "." + b64("abc");
    const auto filled = [&](std::size_t n) { return head + std::string(n - head.size() - tail.size(), 'A') + tail; };
    const std::size_t odd = (longest_token - head.size() - tail.size()) % 4 == 1 ? 1 : 0; // no base64 has that length
    EXPECT_TRUE(reads_token(filled(longest_token - odd)));
    for (std::size_t n = longest_token + 1; n < longest_token + 5; ++n)
        EXPECT_FALSE(reads_token(filled(n)));
}

TEST(Jws, HeaderNamesOneKnownAlgorithmAndOneKey) {
    EXPECT_TRUE(reads_header(R"({"alg":"HS256","kid":"a.B_-9"})"));
    EXPECT_TRUE(reads_header(R"({"typ":"JWT","alg":"ES256","kid":"k","other":[1]})"));
    EXPECT_TRUE(reads_header(R"({"typ":"at+jwt","alg":"RS256","kid":"k"})"));
    for (const char *header : {"",
                               "{}",
                               "[]",
                               "null",
                               "\"ES256\"",
                               R"({"alg":"ES256"})",
                               R"({"kid":"k"})",
                               R"({"alg":"none","kid":"k"})",
                               R"({"alg":"None","kid":"k"})",
                               R"({"alg":"NONE","kid":"k"})",
                               R"({"alg":"","kid":"k"})",
                               R"({"alg":null,"kid":"k"})",
                               R"({"alg":"es256","kid":"k"})",
                               R"({"alg":"ES256 ","kid":"k"})",
                               R"({"alg":"HS384","kid":"k"})",
                               R"({"alg":"HS512","kid":"k"})",
                               R"({"alg":"PS256","kid":"k"})",
                               R"({"alg":"ES256K","kid":"k"})",
                               R"({"alg":"EdDSA","kid":"k"})",
                               R"({"alg":["ES256"],"kid":"k"})",
                               R"({"alg":"ES256","kid":""})",
                               R"({"alg":"ES256","kid":1})",
                               R"({"alg":"ES256","kid":null})",
                               R"({"alg":"ES256","kid":"a b"})",
                               R"({"alg":"ES256","kid":"../k"})",
                               R"({"alg":"ES256","kid":"k' OR 1=1"})",
                               R"({"alg":"ES256","kid":"k\u0000"})",
                               R"({"alg":"ES256","alg":"none","kid":"k"})",
                               R"({"alg":"none","a\u006cg":"ES256","kid":"k"})",
                               R"({"alg":"ES256","kid":"k","kid":"l"})",
                               R"({"alg":"ES256","kid":"k","typ":"JWE"})",
                               R"({"alg":"ES256","kid":"k","typ":null})",
                               R"({"alg":"ES256","kid":"k","typ":""})",
                               R"({"alg":"ES256","kid":"k"} x)",
                               R"({'alg':'ES256','kid':'k'})"})
        EXPECT_FALSE(reads_header(header)) << header;
    EXPECT_FALSE(reads_header(R"({"alg":"ES256","kid":")" + std::string(65, 'k') + "\"}"));
    EXPECT_TRUE(reads_header(R"({"alg":"ES256","kid":")" + std::string(64, 'k') + "\"}"));
    for (const char *name :
         {"crit", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "b64", "zip", "enc", "cty", "epk"}) {
        EXPECT_FALSE(reads_header(R"({"alg":"ES256","kid":"k",")" + std::string(name) + "\":null}")) << name;
        EXPECT_FALSE(reads_header(R"({")" + std::string(name) + R"(":["exp"],"alg":"ES256","kid":"k"})")) << name;
    }
}

TEST(Claims, AreReadWithTheirTypes) {
    const Claims c = parse_claims(
        claims(R"(,"branch_id":"0197a000-0000-7000-8000-0000000000bb","sid":"0197a000-0000-7000-8000-0000000000cc",
        "jti":"j-1","iss":"https://id.example","aud":["a","b"],"exp":1772438400,"nbf":1772438300.25,"iat":1.7724382e9,"role":["x"],"n":null)"));
    EXPECT_EQ(c.user_id, *parse_id("0197a000-0000-7000-8000-0000000000aa"));
    EXPECT_EQ(c.tenant_id, *parse_id("0197a000-0000-7000-8000-000000000001"));
    EXPECT_EQ(c.branch_id, parse_id("0197a000-0000-7000-8000-0000000000bb"));
    EXPECT_EQ(c.session_id, parse_id("0197a000-0000-7000-8000-0000000000cc"));
    EXPECT_EQ(c.token_id, "j-1");
    EXPECT_EQ(c.issuer, "https://id.example");
    EXPECT_EQ(c.audiences, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(unix_micros(*c.expires_at), 1772438400'000000);
    EXPECT_EQ(unix_micros(*c.not_before), 1772438300'250000);
    EXPECT_EQ(unix_micros(*c.issued_at), 1772438200'000000);

    const Claims few = parse_claims(claims(R"(,"aud":"one")"));
    EXPECT_EQ(few.audiences, std::vector<std::string>{"one"});
    EXPECT_FALSE(few.branch_id || few.session_id || few.expires_at || few.not_before || few.issued_at);
    EXPECT_TRUE(few.token_id.empty() && few.issuer.empty());
}

TEST(Claims, RefuseEveryWrongType) {
    EXPECT_TRUE(reads_claims(claims("")));
    for (const char *id : {"null", "1", "\"\"", "\"x\"", "[]", "\"0197a000000070008000000000000001\"",
                           "\"{0197a000-0000-7000-8000-000000000001}\"", "\"0197a000-0000-7000-8000-00000000000g\"",
                           "\"00000000-0000-0000-0000-000000000000\"", "\"1 or 1=1\"", "true",
                           "[\"0197a000-0000-7000-8000-000000000001\"]", "\" 0197a000-0000-7000-8000-000000000001\""}) {
        EXPECT_FALSE(reads_claims(claims(std::string(",\"branch_id\":") + id))) << id;
        EXPECT_FALSE(reads_claims(claims(std::string(",\"sid\":") + id))) << id;
        EXPECT_FALSE(
            reads_claims(std::string(R"({"tenant_id":"0197a000-0000-7000-8000-000000000001","sub":)") + id + "}"))
            << id;
        EXPECT_FALSE(
            reads_claims(std::string(R"({"sub":"0197a000-0000-7000-8000-000000000001","tenant_id":)") + id + "}"))
            << id;
    }
    for (const char *text : {"null", "1", "\"\"", "[]", "{}", "\"a\\u0000\"", "\"a\\n\"", "true"}) {
        EXPECT_FALSE(reads_claims(claims(std::string(",\"jti\":") + text))) << text;
        EXPECT_FALSE(reads_claims(claims(std::string(",\"iss\":") + text))) << text;
        EXPECT_FALSE(reads_claims(claims(std::string(",\"aud\":[\"a\",") + text + "]"))) << text;
    }
    for (const char *time :
         {"null", "\"1772438400\"", "true", "[]", "-1", "-0", "1e12", "253402300801", "99999999999999999999",
          "1e1000000000000000000000", "1e2000", "1e-2000", "1000000000000000000000000000000000000000000"})
        for (const char *name : {"exp", "nbf", "iat"})
            EXPECT_FALSE(reads_claims(claims(std::string(",\"") + name + "\":" + time))) << name << time;
    EXPECT_FALSE(reads_claims(claims(R"(,"aud":null)")));
    EXPECT_FALSE(reads_claims(claims(R"(,"aud":{})")));
    EXPECT_FALSE(reads_claims(claims(",\"jti\":\"" + std::string(201, 'j') + "\"")));
    EXPECT_TRUE(reads_claims(claims(",\"jti\":\"" + std::string(200, 'j') + "\"")));
    EXPECT_FALSE(reads_claims("[" + claims("") + "]"));
    EXPECT_FALSE(reads_claims(""));
    EXPECT_FALSE(reads_claims("null"));
}

TEST(Claims, RefuseRepetition) {
    EXPECT_FALSE(reads_claims(claims(R"(,"exp":1,"exp":1)")));
    EXPECT_FALSE(reads_claims(claims(R"(,"s\u0075b":"0197a000-0000-7000-8000-0000000000ab")")));
    EXPECT_FALSE(reads_claims(claims(R"(,"tenant_id":"0197a000-0000-7000-8000-000000000002")")));
    EXPECT_FALSE(reads_claims(claims(R"(,"other":{"a":1,"a":2})")));
}

TEST(Claims, HaveALimitedSize) {
    EXPECT_TRUE(reads_claims(claims(",\"x\":\"" + std::string(7000, 'x') + "\"")));
    EXPECT_FALSE(reads_claims(claims(",\"x\":\"" + std::string(longest_token, 'x') + "\"")));
    EXPECT_FALSE(reads_claims(claims(",\"x\":" + std::string(20, '[') + std::string(20, ']'))));
}

TEST(Claims, CountFractionsOfSeconds) {
    const auto micros = [](const std::string &text) {
        return unix_micros(*parse_claims(claims(",\"exp\":" + text)).expires_at);
    };
    EXPECT_EQ(micros("0"), 0);
    EXPECT_EQ(micros("0.0000009"), 0);
    EXPECT_EQ(micros("0.000001"), 1);
    EXPECT_EQ(micros("1.9999999999"), 1'999'999);
    EXPECT_EQ(micros("12e-1"), 1'200'000);
    EXPECT_EQ(micros("1E+2"), 100'000'000);
    EXPECT_EQ(micros("1e-1000"), 0);
    EXPECT_EQ(micros("0e1000"), 0);
    EXPECT_EQ(micros("253402300799"), 253402300799'000000);
}

TEST(Times, AreJudgedWithLeeway) {
    const Instant now{1'000'000'000'000};
    const Duration leeway{30 * micros_per_second};
    const auto judged = [&](const char *which, std::int64_t seconds_from_now, std::int64_t micros = 0) {
        Claims c;
        const Instant t{now.micros + seconds_from_now * micros_per_second + micros};
        (which[0] == 'e' ? c.expires_at : which[0] == 'n' ? c.not_before : c.issued_at) = t;
        return check_times(c, now, leeway);
    };
    EXPECT_EQ(judged("exp", 1), TimeVerdict::good);
    EXPECT_EQ(judged("exp", 0), TimeVerdict::good);
    EXPECT_EQ(judged("exp", -30, 1), TimeVerdict::good);
    EXPECT_EQ(judged("exp", -30), TimeVerdict::expired);
    EXPECT_EQ(judged("nbf", 30), TimeVerdict::good);
    EXPECT_EQ(judged("nbf", 30, 1), TimeVerdict::early);
    EXPECT_EQ(judged("iat", 30), TimeVerdict::good);
    EXPECT_EQ(judged("iat", 31), TimeVerdict::early);
    EXPECT_EQ(judged("iat", -1'000'000), TimeVerdict::good);
    EXPECT_EQ(check_times(Claims{}, now, leeway), TimeVerdict::good);
    Claims both;
    both.expires_at = Instant{0};
    both.not_before = Instant{2'000'000'000'000};
    EXPECT_EQ(check_times(both, now, leeway), TimeVerdict::early) << "nothing but expiry is told apart";
}

} // namespace
} // namespace pg_clinic::test
